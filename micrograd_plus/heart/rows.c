/* Rows: what C keeps of a row of the table, made when the row is first met.
 *
 * The row's object holds it in an attribute, so both are freed together. A row that Python alone
 * can compute, as one of a user's own, is `custom`: its value and slopes are asked of Python.
 */

enum { SMALL = 2 };  /* programs of slopes for so few operands leave out those of constants */
enum { LARGE = 64 }; /* for more, one is made only when so many are met again */
enum { MET = 16 };

typedef struct {
    PyObject_HEAD
    PyObject *primitive;
    const Operation *operation; /* its value is this one instruction, or NULL */
    Py_ssize_t arity, least;    /* arity: -1 for a variadic row */
    char routes, is_condition, is_weighted_sum, custom;
    Program *small[2][4 * (SMALL + 1)]; /* values, then slopes, by size and mask of Values */
    Program *large;                     /* a list, the latest one first */
    size_t kept;                        /* numbers in it */
    uint32_t met[2][MET], latest[2];    /* large sizes that were met once, the oldest forgotten */
    struct Pattern *patterns;           /* for programs in the making: see recorder.c */
    size_t in_patterns;                 /* numbers in them */
    uint64_t in_table;                  /* the table that met it last */
    int32_t code;                       /* its place there */
} Row;

static PyTypeObject *RowType;
enum { MOST_KEPT = 1 << 22 };

static void forget_large(Row *row)
{
    while (row->large) {
        Program *next = row->large->next;
        free_program(row->large);
        row->large = next;
    }
    row->kept = 0;
}

static Program *make_program(Row *row, int of_slopes, uint32_t size, unsigned mask)
{
    PyObject *described = PyObject_CallFunction(hook[PROGRAM], "OiIIO", row->primitive, of_slopes,
                                                size, mask, size <= SMALL ? Py_True : Py_False);
    if (!described)
        return NULL;
    Program *program = NULL;
    if (described == Py_None)
        row->custom = 1;
    else
        program = program_from(described, size, of_slopes);
    Py_DECREF(described);
    return program;
}

/* Whether so many operands are met for the first time, as far as is known. */
static int is_new(Row *row, int of_slopes, uint32_t size)
{
    for (int i = 0; i < MET; i++)
        if (row->met[of_slopes][i] == size)
            return 0;
    row->met[of_slopes][row->latest[of_slopes]++ % MET] = size;
    return 1;
}

/* The program of a row's value or slopes for so many operands; NULL with an exception, or without
   one where Python is to be asked: the row has turned out to be custom, or it is not worth it. */
static const Program *program_of(Row *row, int of_slopes, uint32_t size, unsigned mask)
{
    if (size <= SMALL) {
        Program **place = &row->small[of_slopes][4 * size + mask];
        if (!*place) {
            Program *made = make_program(row, of_slopes, size, mask);
            if (made && *place) /* another thread was faster while Python ran */
                free_program(made);
            else
                *place = made;
        }
        return *place;
    }
    Program *before = NULL;
    for (Program *p = row->large; p; before = p, p = p->next)
        if (p->size == size && p->of_slopes == of_slopes) {
            if (before) {
                before->next = p->next;
                p->next = row->large;
                row->large = p;
            }
            return p;
        }
    if (size > LARGE && is_new(row, of_slopes, size))
        return NULL;
    Program *made = make_program(row, of_slopes, size, mask);
    if (!made)
        return NULL;
    if (row->kept > MOST_KEPT)
        forget_large(row);
    made->next = row->large;
    row->large = made;
    row->kept += (size_t)(registers_of(made) + operands_in_all(made) + made->outputs);
    return made;
}

/* What stands for a row in C, a borrowed reference: its object holds it. */
static Row *row_of(PyObject *primitive)
{
    PyObject *found = PyObject_GenericGetAttr(primitive, name_of_row);
    if (found) {
        Py_DECREF(found); /* the row's object keeps it */
        return (Row *)found;
    }
    if (!PyErr_ExceptionMatches(PyExc_AttributeError))
        return NULL;
    PyErr_Clear();
    PyObject *described = PyObject_CallFunctionObjArgs(hook[DESCRIBE], primitive, NULL);
    if (!described)
        return NULL;
    int code, routes, is_condition, is_weighted_sum, custom;
    Py_ssize_t arity, least;
    int told = PyArg_ParseTuple(described, "innpppp", &code, &arity, &least, &routes,
                                &is_condition, &is_weighted_sum, &custom);
    Py_DECREF(described);
    if (!told)
        return NULL;
    Row *row = PyObject_GC_New(Row, RowType);
    if (!row)
        return NULL;
    memset(&row->primitive, 0, sizeof(Row) - offsetof(Row, primitive));
    row->primitive = Py_NewRef(primitive);
    row->operation = code < 0 ? NULL : OPERATIONS + code;
    row->arity = arity;
    row->least = least;
    row->routes = (char)routes;
    row->is_condition = (char)is_condition;
    row->is_weighted_sum = (char)is_weighted_sum;
    row->custom = (char)custom;
    PyObject_GC_Track((PyObject *)row);
    int set = PyObject_GenericSetAttr(primitive, name_of_row, (PyObject *)row);
    Py_DECREF((PyObject *)row);
    return set < 0 ? NULL : row;
}

static inline int takes(const Row *row, Py_ssize_t size)
{
    if (row->is_weighted_sum && size % 2 == 0)
        return 0;
    return row->arity < 0 ? size >= row->least : size == row->arity;
}

/* Asked of Python: the primal of a row, on floats; it refuses what the row does not take. */
static int value_from_python(Row *row, const double *x, Py_ssize_t size, double *found)
{
    PyObject *floats = PyTuple_New(size), *primal = NULL, *value = NULL;
    if (!floats)
        return -1;
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *number = PyFloat_FromDouble(x[i]);
        if (!number)
            goto end;
        PyTuple_SetItem(floats, i, number);
    }
    primal = PyObject_GetAttrString(row->primitive, "primal");
    value = primal ? PyObject_CallObject(primal, floats) : NULL;
    if (value)
        *found = PyFloat_AsDouble(value);
end:
    Py_DECREF(floats);
    Py_XDECREF(primal);
    Py_XDECREF(value);
    return PyErr_Occurred() ? -1 : 0;
}

/* The value of a row; 0, or -1 with an exception. */
static int value_of(Row *row, const double *x, Py_ssize_t size, double *found, Room *room)
{
    if (row->custom || !takes(row, size))
        return value_from_python(row, x, size, found);
    if (row->operation) {
        *found = evaluate_many(row->operation, x, size);
        return 0;
    }
    const Program *program = program_of(row, 0, (uint32_t)size, 0);
    if (!program)
        return PyErr_Occurred() ? -1 : value_from_python(row, x, size, found);
    Py_ssize_t registers = registers_of(program);
    double *r = room_for(room, (size_t)(registers + operands_in_all(program)));
    if (!r)
        return -1;
    r[0] = NAN; /* the result is what is asked for */
    memcpy(r + 1, x, (size_t)size * sizeof(double));
    run(program, r, r + registers);
    *found = r[program->output[0]];
    return 0;
}

static int visit_patterns(const Row *row, visitproc visit, void *arg);
static void forget_patterns(Row *row);

static int row_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Row *)self)->primitive);
    return visit_patterns((Row *)self, visit, arg);
}

/* The attribute of the row's object closes another cycle, and is cleared there. */
static int row_clear(PyObject *self)
{
    forget_patterns((Row *)self);
    return 0;
}

static void row_dealloc(PyObject *self)
{
    Row *row = (Row *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(row->primitive);
    for (int of_slopes = 0; of_slopes < 2; of_slopes++)
        for (int i = 0; i < 4 * (SMALL + 1); i++)
            if (row->small[of_slopes][i])
                free_program(row->small[of_slopes][i]);
    forget_large(row);
    forget_patterns(row);
    PyObject_GC_Del(self);
    Py_DECREF((PyObject *)type);
}

static PyType_Slot row_slots[] = {{Py_tp_traverse, row_traverse},
                                  {Py_tp_clear, row_clear},
                                  {Py_tp_dealloc, row_dealloc},
                                  {0, NULL}};
static PyType_Spec row_spec = {
    "micrograd_plus.heart.Row", sizeof(Row), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, row_slots};
