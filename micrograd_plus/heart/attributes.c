/* What can be read of a node and set on it. */

static void forget_gradient(Node *v)
{
    v->size &= ~KNOWN;
    v->gradient = 0.0;
}

static inline void set_gradient(Node *v, double gradient)
{
    v->gradient = gradient;
    v->size |= KNOWN;
}

/* A number as a float, by `as_float` where it is no float or int; 0, or -1 with an exception. */
static int double_from(PyObject *given, const char *user, double *found)
{
    if (IS_FLOAT(given)) {
        *found = PyFloat_AsDouble(given);
        return 0;
    }
    if (PyLong_CheckExact(given)) {
        *found = PyLong_AsDouble(given);
        return *found == -1.0 && PyErr_Occurred() ? -1 : 0;
    }
    PyObject *number = PyObject_CallFunction(hook[AS_FLOAT], "Os", given, user);
    if (!number)
        return -1;
    *found = PyFloat_AsDouble(number);
    Py_DECREF(number);
    return PyErr_Occurred() ? -1 : 0;
}

static int refuse_deletion(void)
{
    PyErr_SetString(PyExc_AttributeError, "a Value keeps this attribute");
    return -1;
}

static PyObject *get_data(PyObject *self, void *unused)
{
    if (present) /* a function on its way to a tape may not read it */
        return PyObject_CallFunctionObjArgs(hook[GET_DATA], self, NULL);
    return PyFloat_FromDouble(((Node *)self)->primal);
}

static int set_data(PyObject *self, PyObject *number, void *unused)
{
    Node *v = (Node *)self;
    if (!number)
        return refuse_deletion();
    if (v->row) { /* Python says why it cannot be set */
        PyObject *none = PyObject_CallFunctionObjArgs(hook[SET_DATA], self, number, NULL);
        Py_XDECREF(none);
        return none ? 0 : -1;
    }
    double found;
    if (double_from(number, "Value.data", &found) < 0)
        return -1;
    v->primal = found;
    v->clock = ++edits;
    return 0;
}

static PyObject *get_primal(PyObject *self, void *unused)
{
    return PyFloat_FromDouble(((Node *)self)->primal);
}

static int set_primal(PyObject *self, PyObject *number, void *unused)
{
    double found = number ? PyFloat_AsDouble(number) : refuse_deletion();
    if (PyErr_Occurred())
        return -1;
    ((Node *)self)->primal = found;
    return 0;
}

static PyObject *get_grad(PyObject *self, void *unused)
{
    Node *v = (Node *)self;
    return PyFloat_FromDouble(v->size & KNOWN ? v->gradient : 0.0);
}

static int set_grad(PyObject *self, PyObject *number, void *unused)
{
    double found;
    if (!number)
        return refuse_deletion();
    if (number == Py_None) {
        forget_gradient((Node *)self);
        return 0;
    }
    if (double_from(number, "Value.grad", &found) < 0)
        return -1;
    set_gradient((Node *)self, found);
    return 0;
}

static PyObject *get_gradient(PyObject *self, void *unused)
{
    if (((Node *)self)->size & KNOWN)
        return get_grad(self, unused);
    Py_RETURN_NONE;
}

static PyObject *get_clock(PyObject *self, void *unused)
{
    return PyLong_FromUnsignedLongLong(((Node *)self)->clock);
}

static int set_clock(PyObject *self, PyObject *clock, void *unused)
{
    unsigned long long found = clock ? PyLong_AsUnsignedLongLong(clock) : 0;
    if (!clock)
        return refuse_deletion();
    if (PyErr_Occurred())
        return -1;
    ((Node *)self)->clock = found;
    return 0;
}

static PyObject *get_primitive(PyObject *self, void *unused)
{
    Row *row = ((Node *)self)->row;
    return Py_NewRef(row ? row->primitive : Py_None);
}

static PyObject *get_operands(PyObject *self, void *unused)
{
    Node *v = (Node *)self;
    PyObject *tuple = PyTuple_New((Py_ssize_t)SIZE_OF(v));
    for (uint32_t i = 0; tuple && i < SIZE_OF(v); i++)
        PyTuple_SetItem(tuple, (Py_ssize_t)i, Py_NewRef(v->operands[i]));
    return tuple;
}

static PyObject *get_label(PyObject *self, void *unused)
{
    Node *v = (Node *)self;
    return v->label ? Py_NewRef(v->label) : PyUnicode_FromString("");
}

static int set_label(PyObject *self, PyObject *label, void *unused)
{
    Node *v = (Node *)self;
    if (!label)
        return refuse_deletion();
    PyObject *before = v->label;
    int is_plain = PyUnicode_CheckExact(label);
    v->label = is_plain && PyUnicode_GetLength(label) == 0 ? NULL : Py_NewRef(label);
    Py_XDECREF(before);
    if (!is_plain)
        track(v);
    return 0;
}

static PyObject *get_attributes(PyObject *self, void *unused)
{
    Node *v = (Node *)self;
    if (!v->attributes && !(v->attributes = PyDict_New()))
        return NULL;
    track(v);
    return Py_NewRef(v->attributes);
}

static int set_attributes(PyObject *self, PyObject *attributes, void *unused)
{
    Node *v = (Node *)self;
    if (!attributes || !PyDict_Check(attributes)) {
        PyErr_SetString(PyExc_TypeError, "__dict__ must be a dictionary");
        return -1;
    }
    PyObject *before = v->attributes;
    v->attributes = Py_NewRef(attributes);
    Py_XDECREF(before);
    track(v);
    return 0;
}

static void watch_below(Node *v);

/* An attribute that is set when the node has users already may lead back to it through these. */
static int node_setattr(PyObject *self, PyObject *name, PyObject *thing)
{
    if (PyObject_GenericSetAttr(self, name, thing) < 0)
        return -1;
    Node *v = (Node *)self;
    if (v->attributes) {
        track(v);
        if (thing && IS_NODE(thing))
            watch_below((Node *)thing);
        else if (thing && (PyList_Check(thing) || PyTuple_Check(thing))) {
            Py_ssize_t count = PySequence_Size(thing);
            for (Py_ssize_t i = 0; i < count; i++) {
                PyObject *o = PySequence_GetItem(thing, i);
                if (o && IS_NODE(o))
                    watch_below((Node *)o);
                Py_XDECREF(o);
            }
        } else if (thing && PyDict_Check(thing)) {
            PyObject *key, *o;
            Py_ssize_t place = 0;
            while (PyDict_Next(thing, &place, &key, &o))
                if (IS_NODE(o))
                    watch_below((Node *)o);
        }
    }
    return 0;
}

/* ---- Methods that an attribute of the user's own cannot hide. -------------------------------- */
enum { RECORD, BACKWARD, FORWARD };

typedef struct {
    PyObject_HEAD
    PyObject *function; /* of Python: for what is not the plain call, and to be read */
    Row *row;
    int kind;
} Method;

static PyTypeObject *MethodType;

static PyObject *swept_backward(Node *v, double gradient);
static PyObject *swept_forward(Node *v);

static PyObject *method_call(PyObject *self, PyObject *args, PyObject *named)
{
    Method *method = (Method *)self;
    if (!named && PyTuple_Size(args) == 1) {
        PyObject *v = PyTuple_GetItem(args, 0), *found = NULL;
        if (IS_NODE(v)) {
            if (method->kind == RECORD)
                return unary(method->row, v);
            if (!present)
                found = method->kind == BACKWARD ? swept_backward((Node *)v, 1.0)
                                                 : swept_forward((Node *)v);
            if (found || PyErr_Occurred())
                return found;
        }
    }
    return PyObject_Call(method->function, args, named);
}

static PyObject *method_get(PyObject *self, PyObject *v, PyObject *type)
{
    if (!v || v == Py_None)
        return Py_NewRef(((Method *)self)->function);
    return PyObject_CallFunctionObjArgs(hook[BOUND], self, v, NULL);
}

static int method_set(PyObject *self, PyObject *v, PyObject *thing)
{
    PyObject *none = PyObject_CallFunctionObjArgs(hook[REFUSE], ((Method *)self)->function, NULL);
    Py_XDECREF(none);
    return -1;
}

static int method_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Method *)self)->function);
    Py_VISIT((PyObject *)((Method *)self)->row);
    return 0;
}

static void method_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((Method *)self)->function);
    Py_XDECREF((PyObject *)((Method *)self)->row);
    PyObject_GC_Del(self);
    Py_DECREF((PyObject *)type);
}

static PyObject *get_function(PyObject *self, void *unused)
{
    return Py_NewRef(((Method *)self)->function);
}

static PyObject *get_of_function(PyObject *self, void *name)
{
    return PyObject_GetAttrString(((Method *)self)->function, name);
}

/* What else is asked of a method, its function answers. */
static PyObject *method_getattr(PyObject *self, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(self, name);
    if (found || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    return PyObject_GetAttr(((Method *)self)->function, name);
}

static PyGetSetDef method_getset[] = {{"function", get_function, NULL, NULL, NULL},
                                     {"__doc__", get_of_function, NULL, NULL, "__doc__"},
                                     {"__module__", get_of_function, NULL, NULL, "__module__"},
                                     {0}};
static PyType_Slot method_slots[] = {
    {Py_tp_call, method_call},         {Py_tp_descr_get, method_get},
    {Py_tp_descr_set, method_set},     {Py_tp_traverse, method_traverse},
    {Py_tp_dealloc, method_dealloc},   {Py_tp_getset, method_getset},
    {Py_tp_getattro, method_getattr},  {0, NULL}};
static PyType_Spec method_spec = {"micrograd_plus.heart.Method", sizeof(Method), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                                      Py_TPFLAGS_METHOD_DESCRIPTOR |
                                      Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  method_slots};

/* method(function, kind, primitive or None) */
static PyObject *make_method(PyObject *module, PyObject *args)
{
    PyObject *function, *primitive;
    int kind;
    if (!PyArg_ParseTuple(args, "OiO", &function, &kind, &primitive))
        return NULL;
    Row *row = primitive == Py_None ? NULL : row_of(primitive);
    if (!row && primitive != Py_None)
        return NULL;
    Method *method = PyObject_GC_New(Method, MethodType);
    if (!method)
        return NULL;
    method->function = Py_NewRef(function);
    method->row = row;
    method->kind = kind;
    Py_XINCREF((PyObject *)row);
    PyObject_GC_Track((PyObject *)method);
    return (PyObject *)method;
}
