/* Nodes: a number, its gradient, the row that made it and its operands in order.
 *
 * Operands lie behind the node itself. A node is tracked by the collector only where a cycle could
 * pass through it: when its row is custom (whose functions may refer to anything), when an operand
 * is tracked, when it has attributes or a label that is no plain text, or is of a subclass.
 * Freeing takes no recursion.
 */

typedef struct Node {
    PyObject_HEAD
    uint32_t size;  /* operands, and three flags */
    uint32_t place; /* in the latest walk that met the node; meaningless between walks */
    double primal, gradient;
    uint64_t clock; /* when it was last computed or edited */
    Row *row;       /* NULL on a leaf */
    PyObject *label, *attributes, *references; /* NULL for "", for none */
    PyObject *operands[];                      /* Nodes and floats */
} Node;

/* Parts of `size`: a gradient is there; the collector sees the node; and all that is below it. */
#define KNOWN (UINT32_C(1) << 31)
#define TRACKED (UINT32_C(1) << 30)
#define DEEP (UINT32_C(1) << 29)
#define SIZE (DEEP - 1)

static PyTypeObject *Value, *Allocator;
static uint64_t edits; /* how often leaves were edited: the clock */

#define IS_FLOAT(o) PyFloat_CheckExact(o)
#define IS_NODE(o) (Py_TYPE(o) == Value || PyType_IsSubtype(Py_TYPE(o), Value))
#define SIZE_OF(v) ((v)->size & SIZE)

static inline double number_in(PyObject *operand)
{
    return IS_FLOAT(operand) ? PyFloat_AsDouble(operand) : ((Node *)operand)->primal;
}

static void track(Node *v)
{
    if (!(v->size & TRACKED)) {
        v->size |= TRACKED;
        if (!PyObject_GC_IsTracked((PyObject *)v))
            PyObject_GC_Track(v);
    }
}

/* Small nodes that were freed wait to be used again, some megabytes at most: a training step builds
   as many as the one before it freed. They are linked by what will be their rows. */
enum { KINDS_WAITING = 3 };
#ifndef MOST_WAITING
#define MOST_WAITING (1 << 16)
#endif
static struct {
    Node *first;
    size_t count;
} waiting[KINDS_WAITING]; /* by number of operands */

/* The collector's allocator knows no objects with more behind them but those of types with items,
   so another type lends its items. */
static Node *allocated(size_t size)
{
    if (size > SIZE) {
        PyErr_SetString(PyExc_OverflowError, "too many operands");
        return NULL;
    }
    Node *v = (Node *)PyObject_GC_NewVar(PyVarObject, Allocator, (Py_ssize_t)size);
    if (!v)
        return NULL;
    Py_SET_TYPE((PyObject *)v, Value);
    Py_INCREF((PyObject *)Value);
    Py_DECREF((PyObject *)Allocator);
    return v;
}

/* A node whose operands, new references, are still to be put in. */
static inline Node *bare_node(size_t size)
{
    Node *v;
    if (size < KINDS_WAITING && waiting[size].first) {
        v = waiting[size].first;
        waiting[size].first = (Node *)v->row;
        waiting[size].count--;
        PyObject_Init((PyObject *)v, Value);
    } else if (!(v = allocated(size)))
        return NULL;
    v->size = (uint32_t)size;
    v->place = 0;
    v->primal = v->gradient = 0.0;
    v->clock = edits;
    v->row = NULL;
    v->label = v->attributes = v->references = NULL;
    return v;
}

/* The node of a row, whose operands it takes over. */
static inline Node *node_of(Row *row, PyObject **operands, size_t size, double primal,
                            uint64_t clock)
{
    Node *v = bare_node(size);
    if (!v) {
        for (size_t i = 0; i < size; i++)
            Py_DECREF(operands[i]);
        return NULL;
    }
    int tracked = row->custom;
    v->primal = primal;
    v->clock = clock;
    v->row = (Row *)Py_NewRef((PyObject *)row);
    for (size_t i = 0; i < size; i++) {
        v->operands[i] = operands[i];
        tracked |= !IS_FLOAT(operands[i]) && ((Node *)operands[i])->size & TRACKED;
    }
    if (tracked)
        track(v);
    return v;
}

/* ---- Freeing. -------------------------------------------------------------------------------- */
static Node *doomed; /* nodes that wait to be freed, each linked to the next by its row's place */
static int freeing;

static void free_doomed(void)
{
    freeing = 1;
    while (doomed) {
        Node *v = doomed;
        doomed = (Node *)v->row;
        uint32_t size = SIZE_OF(v);
        for (uint32_t i = 0; i < size; i++)
            Py_DECREF(v->operands[i]);
        if (size < KINDS_WAITING && waiting[size].count < MOST_WAITING) {
            v->row = (Row *)waiting[size].first;
            waiting[size].first = v;
            waiting[size].count++;
        } else
            PyObject_GC_Del(v);
        Py_DECREF((PyObject *)Value);
    }
    freeing = 0;
}

static void node_dealloc(PyObject *self)
{
    Node *v = (Node *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (v->size & TRACKED || type != Value)
        PyObject_GC_UnTrack(self);
    if (v->references)
        PyObject_ClearWeakRefs(self);
    Py_CLEAR(v->attributes);
    Py_CLEAR(v->label);
    Py_XDECREF((PyObject *)v->row);
    if (type == Value) {
        v->row = (Row *)doomed;
        doomed = v;
        if (!freeing)
            free_doomed();
        return;
    }
    for (uint32_t i = 0; i < SIZE_OF(v); i++) /* a leaf has none, but a class can be exchanged */
        Py_DECREF(v->operands[i]);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF((PyObject *)type);
}

/* Give back the memory of nodes that wait, as Python does with its own when it collects all. */
static void forget_waiting(void)
{
    for (int size = 0; size < KINDS_WAITING; size++) {
        while (waiting[size].first) {
            Node *v = waiting[size].first;
            waiting[size].first = (Node *)v->row;
            PyObject_GC_Del(v);
        }
        waiting[size].count = 0;
    }
}

static int node_traverse(PyObject *self, visitproc visit, void *arg)
{
    Node *v = (Node *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)v->row);
    Py_VISIT(v->label);
    Py_VISIT(v->attributes);
    for (uint32_t i = 0; i < SIZE_OF(v); i++)
        Py_VISIT(v->operands[i]);
    return 0;
}

static int node_clear(PyObject *self) /* what is left is a leaf */
{
    Node *v = (Node *)self;
    uint32_t size = SIZE_OF(v);
    Row *row = v->row;
    v->size &= ~SIZE;
    v->row = NULL;
    for (uint32_t i = 0; i < size; i++)
        Py_DECREF(v->operands[i]);
    Py_XDECREF((PyObject *)row);
    Py_CLEAR(v->attributes);
    Py_CLEAR(v->label);
    return 0;
}

/* ---- Recording. ------------------------------------------------------------------------------ */

/* A new reference to an operand: a Value or a float, or what a number is as one. */
static inline PyObject *operand_from(PyObject *given, Row *row)
{
    if (IS_FLOAT(given) || IS_NODE(given))
        return Py_NewRef(given);
    if (PyLong_CheckExact(given)) {
        double number = PyLong_AsDouble(given);
        if (number == -1.0 && PyErr_Occurred())
            return NULL;
        return PyFloat_FromDouble(number);
    }
    PyObject *name = PyObject_GetAttrString(row->primitive, "name");
    PyObject *found =
        name ? PyObject_CallFunctionObjArgs(hook[AS_FLOAT], given, name, NULL) : NULL;
    Py_XDECREF(name);
    return found;
}

/* Whether a mode has nothing to say about what is recorded, as that of a function on its way to a
   tape: then the node is recorded as ever. */
enum { RECORDING, ANOMALY, SIMPLIFY, TRACING, GROUP };
static const char *const FIELDS_OF_A_MODE[] = {"recording", "anomaly", "simplify", "tracing",
                                               "group"};

static int is_silent(PyObject *mode)
{
    return PyTuple_GetItem(mode, RECORDING) == Py_True &&
           PyTuple_GetItem(mode, ANOMALY) == Py_False &&
           PyTuple_GetItem(mode, SIMPLIFY) == Py_None && PyTuple_GetItem(mode, GROUP) == Py_None;
}

/* What is recorded in place of a node when a mode is on: a new reference, or NULL without an
   exception when it is the node after all. */
static PyObject *in_place_of(Row *row, PyObject **operands, Py_ssize_t size, double primal,
                             uint64_t clock)
{
    PyObject *mode = PyObject_CallNoArgs(hook[MODE]);
    if (!mode)
        return NULL;
    PyObject *found = NULL;
    if (mode != hook[DEFAULT_MODE] && !is_silent(mode)) {
        PyObject *tuple = PyTuple_New(size), *number = PyFloat_FromDouble(primal);
        PyObject *then = PyLong_FromUnsignedLongLong(clock);
        if (tuple && number && then) {
            for (Py_ssize_t i = 0; i < size; i++)
                PyTuple_SetItem(tuple, i, Py_NewRef(operands[i]));
            found = PyObject_CallFunctionObjArgs(hook[IN_MODE], mode, row->primitive, tuple,
                                                 number, then, NULL);
            if (found == Py_None)
                Py_CLEAR(found);
        }
        Py_XDECREF(tuple);
        Py_XDECREF(number);
        Py_XDECREF(then);
    }
    Py_DECREF(mode);
    return found;
}

static PyObject *recorded(Row *row, PyObject **operands, Py_ssize_t size, double primal,
                          uint64_t clock)
{
    if (present) {
        PyObject *instead = in_place_of(row, operands, size, primal, clock);
        if (instead || PyErr_Occurred()) {
            for (Py_ssize_t i = 0; i < size; i++)
                Py_DECREF(operands[i]);
            return instead;
        }
    }
    return (PyObject *)node_of(row, operands, (size_t)size, primal, clock);
}

/* Evaluate a row on operands, which are taken over, and give the node that remembers it. */
static PyObject *record(Row *row, PyObject **operands, Py_ssize_t size)
{
    uint64_t clock = edits; /* before the data are read */
    double primal;
    Py_INCREF((PyObject *)row); /* a checkpoint may be its only holder's last act */
    PyObject *found = NULL;
    Room numbers, registers;
    numbers.more = registers.more = NULL;
    numbers.room = registers.room = 0;
    double *x = room_for(&numbers, (size_t)size + 1);
    if (x) {
        for (Py_ssize_t i = 0; i < size; i++)
            x[i] = number_in(operands[i]);
        if (value_of(row, x, size, &primal, &registers) == 0) {
            found = recorded(row, operands, size, primal, clock);
            size = 0;
        }
    }
    for (Py_ssize_t i = 0; i < size; i++)
        Py_DECREF(operands[i]);
    free(numbers.more);
    free(registers.more);
    Py_DECREF((PyObject *)row);
    return found;
}

/* The short way for rows that are one instruction of one or two operands. */
static inline PyObject *record_simple(Row *row, PyObject **operands, Py_ssize_t size)
{
    if (!row->operation || row->arity != size || row->operation->kind == SELECT)
        return record(row, operands, size);
    double x = number_in(operands[0]), y = size > 1 ? number_in(operands[1]) : 0.0;
    return recorded(row, operands, size, evaluate(row->operation, x, y), edits);
}

static PyObject *unary(Row *row, PyObject *x)
{
    PyObject *operands[1] = {Py_NewRef(x)};
    return record_simple(row, operands, 1);
}

/* ---- Python's operators; which row each is, the table of operators says. --------------------- */
enum { ADDED, SUBTRACTED, MULTIPLIED, DIVIDED, POWER, REMAINDER, BELOW, AT_MOST, OF_TWO_SIDES,
       NEGATED = OF_TWO_SIDES, MAGNITUDE, EQUALS, DIFFERS, OPERATORS };
static const char *const OPERATOR_NAMES[OPERATORS] = {
    "__add__", "__sub__", "__mul__", "__truediv__", "__pow__", "__mod__",
    "__lt__",  "__le__",  "__neg__", "__abs__",     "__eq__",  "__ne__"};
static const char *const TURNED_NAMES[OF_TWO_SIDES] = {
    "__radd__", "__rsub__", "__rmul__", "__rtruediv__", "__rpow__", "__rmod__",
    "__gt__",   "__ge__"};
static Row *operator_row[OPERATORS];
static PyObject *operator_method[OPERATORS], *turned_method[OF_TWO_SIDES]; /* of Python */

/* x and y, of which one is a Value; `turned` when it is the method of the right one. */
static inline PyObject *binary(int operator, PyObject *x, PyObject *y, int turned)
{
    PyObject *operands[2], *self = turned ? y : x, *other = turned ? x : y, *number;
    if (IS_FLOAT(other) || IS_NODE(other))
        number = Py_NewRef(other);
    else if (PyLong_CheckExact(other)) {
        double converted = PyLong_AsDouble(other);
        if (converted == -1.0 && PyErr_Occurred())
            return NULL;
        number = PyFloat_FromDouble(converted);
    } else /* Python's method knows what else is a number */
        return PyObject_CallFunctionObjArgs(
            turned ? turned_method[operator] : operator_method[operator], self, other, NULL);
    if (!number)
        return NULL;
    operands[turned] = Py_NewRef(self);
    operands[!turned] = number;
    return record_simple(operator_row[operator], operands, 2);
}

static PyObject *node_add(PyObject *x, PyObject *y) { return binary(ADDED, x, y, !IS_NODE(x)); }

static PyObject *node_subtract(PyObject *x, PyObject *y)
{
    return binary(SUBTRACTED, x, y, !IS_NODE(x));
}

static PyObject *node_multiply(PyObject *x, PyObject *y)
{
    return binary(MULTIPLIED, x, y, !IS_NODE(x));
}

static PyObject *node_divide(PyObject *x, PyObject *y)
{
    return binary(DIVIDED, x, y, !IS_NODE(x));
}

static PyObject *node_remainder(PyObject *x, PyObject *y)
{
    return binary(REMAINDER, x, y, !IS_NODE(x));
}

static PyObject *node_power(PyObject *x, PyObject *y, PyObject *modulus)
{
    if (modulus != Py_None) /* Python's method says what is wrong */
        return PyObject_CallFunctionObjArgs(operator_method[POWER], x, y, modulus, NULL);
    return binary(POWER, x, y, !IS_NODE(x));
}

static PyObject *node_negative(PyObject *x) { return unary(operator_row[NEGATED], x); }

static PyObject *node_absolute(PyObject *x) { return unary(operator_row[MAGNITUDE], x); }

static inline int is_condition(PyObject *o)
{
    Row *row = ((Node *)o)->row;
    return row && row->is_condition;
}

static PyObject *node_compare(PyObject *x, PyObject *y, int operator)
{
    switch (operator) {
    case Py_LT: return binary(BELOW, x, y, 0);
    case Py_LE: return binary(AT_MOST, x, y, 0);
    case Py_GT: return binary(BELOW, y, x, 1);
    case Py_GE: return binary(AT_MOST, y, x, 1);
    }
    int of_python = operator == Py_EQ ? EQUALS : DIFFERS;
    if (IS_FLOAT(y) || (IS_NODE(y) && is_condition(x) && is_condition(y)))
        return binary(of_python, x, y, 0);
    if (IS_NODE(y)) /* identity, so that Values live in sets */
        Py_RETURN_NOTIMPLEMENTED;
    return PyObject_CallFunctionObjArgs(operator_method[of_python], x, y, NULL);
}

static Py_hash_t node_hash(PyObject *self)
{
    size_t address = (size_t)self;
    Py_hash_t hash = (Py_hash_t)(address >> 4 | address << (8 * sizeof(size_t) - 4));
    return hash == -1 ? -2 : hash;
}
