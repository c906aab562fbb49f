/* The heart in C: nodes, recording, the order of a graph and the sweeps over it, under the names of
 * engine.py and with the same bits.
 *
 * It contains no calculus. The value of a row is an instruction, a function of the C library or a
 * short program of these, and so are its slopes: Python makes the programs, by calling the row of
 * the table on terms. Messages are Python's too: what is refused is handed to the method or
 * function of engine.py that refuses it. README.md beside this file says how the parts fit.
 */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef HEART_SOURCE
#define HEART_SOURCE "unknown"
#endif

/* What is asked of Python, by the names under which `install` is given it. */
enum { DESCRIBE, PROGRAM, MODE, DEFAULT_MODE, IN_MODE, AS_FLOAT,
       GET_DATA, SET_DATA, INIT, BOUND, REFUSE, LOCAL_GRADIENTS, NODES_BELOW, BETWEEN, ADJOINTS, TANGENTS, SELECTION, LEAVES_BELOW, HOOKS };
static const char *const HOOK_NAMES[HOOKS] = {
    "describe", "program",         "mode",        "default_mode", "in_mode",  "as_float",
    "get_data", "set_data",        "init",        "bound",        "refuse",   "local_gradients",
    "nodes_below", "between",      "adjoints",    "tangents",    "select",    "leaves_below"};
static PyObject *hook[HOOKS];
static PyObject *name_of_row; /* the attribute of a row's object that holds what C keeps of it */
static Py_ssize_t present;    /* modes alive that are not the default one */

#include "programs.c"
#include "rows.c"
#include "nodes.c"
#include "attributes.c"
#include "order.c"
#include "sweeps.c"
#include "calls.c"
#include "snapshot.c"
#include "recorder.c"
#include "runs.c"
#include "columns.c"
#include "rolling.c"

/* ---- The type. ------------------------------------------------------------------------------- */

static PyObject *node_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    if (type == Value)
        return (PyObject *)bare_node(0);
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Node *v = (Node *)allocate(type, 0);
    if (v) {
        v->size = TRACKED;
        v->clock = edits;
    }
    return (PyObject *)v;
}

static int node_init(PyObject *self, PyObject *args, PyObject *named)
{
    Node *v = (Node *)self;
    Py_ssize_t count = PyTuple_Size(args);
    PyObject *label = NULL;
    if (named && PyDict_Size(named) == 1 && count == 1)
        label = PyDict_GetItemString(named, "label");
    else if (!named && count == 2)
        label = PyTuple_GetItem(args, 1);
    int plain = (!named && count == 1) || (label && PyUnicode_Check(label));
    if (plain && !v->row) {
        double data;
        if (double_from(PyTuple_GetItem(args, 0), "Value", &data) < 0)
            return -1;
        v->primal = data;
        forget_gradient(v);
        if (v->label || label) {
            PyObject *before = v->label;
            v->label = label && PyUnicode_GetLength(label) > 0 ? Py_NewRef(label) : NULL;
            Py_XDECREF(before);
        }
    } else {
        PyObject *init = PyObject_CallFunctionObjArgs(hook[BOUND], hook[INIT], self, NULL);
        PyObject *none = init ? PyObject_Call(init, args, named) : NULL;
        Py_XDECREF(init);
        Py_XDECREF(none);
        if (!none)
            return -1;
    }
    v->clock = edits;
    return 0;
}

static int set_primitive(PyObject *self, PyObject *primitive, void *unused)
{
    if (primitive == Py_None && !((Node *)self)->row)
        return 0;
    PyErr_SetString(PyExc_AttributeError, "the row that made a Value cannot be exchanged");
    return -1;
}

/* As many others may take the place of a node's operands. */
static int set_operands(PyObject *self, PyObject *tuple, void *unused)
{
    Node *v = (Node *)self;
    Py_ssize_t size = (Py_ssize_t)SIZE_OF(v);
    if (!tuple || !PyTuple_Check(tuple) || PyTuple_Size(tuple) != size) {
        PyErr_Format(PyExc_AttributeError, "the operands of this Value are a tuple of %zd", size);
        return -1;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *o = PyTuple_GetItem(tuple, i);
        if (!IS_FLOAT(o) && !IS_NODE(o)) {
            PyErr_SetString(PyExc_AttributeError, "operands are Values and floats");
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *before = v->operands[i];
        v->operands[i] = Py_NewRef(PyTuple_GetItem(tuple, i));
        Py_DECREF(before);
    }
    v->size &= ~DEEP;
    watch_below(v); /* there may be a cycle now */
    return 0;
}

static PyObject *node_sizeof(PyObject *self, PyObject *unused)
{
    return PyLong_FromSize_t(sizeof(Node) + SIZE_OF((Node *)self) * sizeof(PyObject *));
}

static PyGetSetDef node_getset[] = {
    {"data", get_data, set_data, NULL, NULL},
    {"grad", get_grad, set_grad, NULL, NULL},
    {"label", get_label, set_label, NULL, NULL},
    {"primitive", get_primitive, set_primitive, NULL, NULL},
    {"operands", get_operands, set_operands, NULL, NULL},
    {"_primal", get_primal, set_primal, NULL, NULL},
    {"_gradient", get_gradient, set_grad, NULL, NULL},
    {"_clock", get_clock, set_clock, NULL, NULL},
    {"__dict__", get_attributes, set_attributes, NULL, NULL},
    {0}};
static PyMemberDef node_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(Node, attributes), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Node, references), READONLY, NULL},
    {0}};
static PyMethodDef node_methods[] = {{"__sizeof__", node_sizeof, METH_NOARGS, NULL}, {0}};

static PyType_Slot node_slots[] = {
    {Py_tp_new, node_new},           {Py_tp_init, node_init},
    {Py_tp_dealloc, node_dealloc},   {Py_tp_traverse, node_traverse},
    {Py_tp_clear, node_clear},       {Py_tp_setattro, node_setattr},
    {Py_tp_hash, node_hash},         {Py_tp_richcompare, node_compare},
    {Py_tp_getset, node_getset},     {Py_tp_members, node_members},
    {Py_tp_methods, node_methods},   {Py_nb_add, node_add},
    {Py_nb_subtract, node_subtract}, {Py_nb_multiply, node_multiply},
    {Py_nb_true_divide, node_divide}, {Py_nb_remainder, node_remainder},
    {Py_nb_power, node_power},       {Py_nb_negative, node_negative},
    {Py_nb_absolute, node_absolute}, {0, NULL}};
static PyType_Spec node_spec = {
    "micrograd_plus.engine.Value", sizeof(Node), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, node_slots};

/* What lends its items to nodes: see bare_node. */
static PyType_Slot allocator_slots[] = {
    {Py_tp_traverse, node_traverse}, {Py_tp_clear, node_clear}, {0, NULL}};
static PyType_Spec allocator_spec = {
    "micrograd_plus.heart.Allocator", sizeof(Node), sizeof(PyObject *),
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, allocator_slots};

/* ---- Functions of engine.py. ----------------------------------------------------------------- */

static PyObject *heart_record(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyTuple_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "record takes a row and a tuple of operands");
        return NULL;
    }
    Row *row = row_of(args[0]);
    if (!row)
        return NULL;
    Py_ssize_t size = PyTuple_Size(args[1]);
    PyObject *few[16], **operands = few;
    if (size > 16 && !(operands = malloc((size_t)size * sizeof(PyObject *))))
        return PyErr_NoMemory();
    PyObject *found = NULL;
    Py_ssize_t i = 0;
    for (; i < size; i++)
        if (!(operands[i] = operand_from(PyTuple_GetItem(args[1], i), row)))
            break;
    if (i == size)
        found = record(row, operands, size);
    else
        while (i--)
            Py_DECREF(operands[i]);
    if (operands != few)
        free(operands);
    return found;
}

/* _node(primitive, operands, primal, gradient, clock, label[, kind]) */
static PyObject *heart_node(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count < 6 || count > 7 || !PyTuple_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "_node takes the parts of a Value");
        return NULL;
    }
    Py_ssize_t size = PyTuple_Size(args[1]);
    PyTypeObject *kind = count == 7 ? (PyTypeObject *)args[6] : Value;
    Row *row = args[0] == Py_None ? NULL : row_of(args[0]);
    if (!row && args[0] != Py_None)
        return NULL;
    if (kind != Value && size) {
        PyErr_SetString(PyExc_TypeError, "operations give plain Values");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *o = PyTuple_GetItem(args[1], i);
        if (!IS_FLOAT(o) && !IS_NODE(o)) {
            PyErr_SetString(PyExc_TypeError, "operands are Values and floats");
            return NULL;
        }
    }
    Node *v = (Node *)(kind == Value ? (PyObject *)bare_node((size_t)size)
                                     : node_new(kind, NULL, NULL));
    if (!v)
        return NULL;
    int tracked = row && row->custom;
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *o = PyTuple_GetItem(args[1], i);
        v->operands[i] = Py_NewRef(o);
        tracked |= !IS_FLOAT(o) && ((Node *)o)->size & TRACKED;
    }
    if (row)
        v->row = (Row *)Py_NewRef((PyObject *)row);
    if (tracked)
        track(v);
    PyObject *self = (PyObject *)v;
    if (set_primal(self, args[2], NULL) < 0 || set_grad(self, args[3], NULL) < 0 ||
        (args[4] != Py_None && set_clock(self, args[4], NULL) < 0) ||
        set_label(self, args[5], NULL) < 0)
        Py_CLEAR(self);
    return self;
}

static PyObject *heart_tick(PyObject *module, PyObject *unused)
{
    return PyLong_FromUnsignedLongLong(++edits);
}

static PyObject *heart_has_attributes(PyObject *module, PyObject *v)
{
    return PyBool_FromLong(IS_NODE(v) && ((Node *)v)->attributes &&
                           PyDict_Size(((Node *)v)->attributes) > 0);
}

static int is_list_of(PyObject *list, Py_ssize_t count)
{
    if (PyList_Check(list) && PyList_Size(list) == count)
        return 1;
    PyErr_SetString(PyExc_TypeError, "as many numbers in a list as nodes in another");
    return 0;
}

/* _commit(nodes, _primal=, _clock=, _gradient=): all of them, or none. */
static PyObject *heart_commit(PyObject *module, PyObject *args, PyObject *named)
{
    static char *names[] = {"nodes", "_primal", "_clock", "_gradient", NULL};
    PyObject *nodes, *given[3] = {NULL, NULL, NULL};
    if (!PyArg_ParseTupleAndKeywords(args, named, "O!|$OOO", names, &PyList_Type, &nodes, given,
                                     given + 1, given + 2))
        return NULL;
    Py_ssize_t count = PyList_Size(nodes);
    double *numbers = malloc(((size_t)count * 2 + 1) * sizeof(double));
    uint64_t *clocks = malloc(((size_t)count + 1) * sizeof(uint64_t));
    if (!numbers || !clocks)
        PyErr_NoMemory();
    for (int kind = 0; kind < 3 && !PyErr_Occurred(); kind++) {
        if (!given[kind] || !is_list_of(given[kind], count))
            continue;
        for (Py_ssize_t i = 0; i < count && !PyErr_Occurred(); i++) {
            PyObject *number = PyList_GetItem(given[kind], i);
            if (!IS_NODE(PyList_GetItem(nodes, i)))
                PyErr_SetString(PyExc_TypeError, "numbers are committed to Values");
            else if (kind == 1)
                clocks[i] = PyLong_AsUnsignedLongLong(number);
            else if (number != Py_None)
                numbers[kind ? count + i : i] = PyFloat_AsDouble(number);
        }
    }
    if (!PyErr_Occurred())
        for (Py_ssize_t i = 0; i < count; i++) {
            Node *v = (Node *)PyList_GetItem(nodes, i);
            if (given[0])
                v->primal = numbers[i];
            if (given[1])
                v->clock = clocks[i];
            if (given[2] && PyList_GetItem(given[2], i) == Py_None)
                forget_gradient(v);
            else if (given[2])
                set_gradient(v, numbers[count + i]);
        }
    free(numbers);
    free(clocks);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* The numbers that a dictionary has for nodes: 0, or -1 with an exception. */
static int look_up(PyObject *found, Node *const *nodes, size_t count, Numbers *numbers)
{
    if (make_numbers(numbers, count) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        PyObject *number = PyDict_GetItemWithError(found, (PyObject *)nodes[i]);
        if (number) {
            numbers->number[i] = PyFloat_AsDouble(number);
            numbers->is_there[i] = 1;
        }
        if (PyErr_Occurred())
            return -1;
    }
    return 0;
}

/* _end_pass(order, found) and _add(found): see engine.py. */
static PyObject *heart_end_pass(PyObject *module, PyObject *args)
{
    PyObject *nodes, *found, *tuple = NULL;
    if (!PyArg_ParseTuple(args, "OO!", &nodes, &PyDict_Type, &found))
        return NULL;
    size_t count = 0;
    Numbers numbers = {NULL, NULL, 0};
    Node **order = nodes_in(nodes, &tuple, &count);
    if (order && look_up(found, order, count, &numbers) == 0)
        for (size_t i = 0; i < count; i++)
            end_pass(order[i], numbers.is_there[i], numbers.number[i]);
    release_numbers(&numbers);
    free(order);
    Py_XDECREF(tuple);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *heart_add(PyObject *module, PyObject *found)
{
    PyObject *tuple = NULL;
    size_t count = 0;
    Numbers numbers = {NULL, NULL, 0};
    Node **nodes = nodes_in(found, &tuple, &count);
    if (nodes && look_up(found, nodes, count, &numbers) == 0)
        for (size_t i = 0; i < count; i++)
            set_gradient(nodes[i], nodes[i]->size & KNOWN
                                       ? nodes[i]->gradient + numbers.number[i]
                                       : numbers.number[i]);
    release_numbers(&numbers);
    free(nodes);
    Py_XDECREF(tuple);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* ---- Many numbers at once, in and out of an array of doubles. -------------------------------- */

static int array_of(PyObject *array, Py_buffer *buffer, size_t count, int flags)
{
    if (PyObject_GetBuffer(array, buffer, flags | PyBUF_FORMAT) < 0)
        return -1;
    if (buffer->itemsize == sizeof(double) && buffer->format && !strcmp(buffer->format, "d") &&
        (size_t)buffer->len == count * sizeof(double))
        return 0;
    PyBuffer_Release(buffer);
    PyErr_Format(PyExc_TypeError, "an array of %zu doubles is needed", count);
    return -1;
}

enum { DATA, GRADIENTS, ALTER };

static PyObject *transfer(PyObject *args, int what)
{
    PyObject *sequence, *array, *tuple = NULL;
    if (!PyArg_ParseTuple(args, "OO", &sequence, &array))
        return NULL;
    size_t count = 0;
    Py_buffer buffer;
    Node **nodes = nodes_in(sequence, &tuple, &count);
    if (!nodes && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "arrays are read from Values and written to them");
    if (nodes && array_of(array, &buffer, count, what == ALTER ? 0 : PyBUF_WRITABLE) == 0) {
        double *numbers = buffer.buf;
        uint64_t now = what == ALTER ? ++edits : edits;
        for (size_t i = 0; i < count; i++) {
            Node *v = nodes[i];
            if (what == DATA)
                numbers[i] = v->primal;
            else if (what == GRADIENTS)
                numbers[i] = v->size & KNOWN ? v->gradient : 0.0;
            else {
                v->primal = numbers[i];
                v->clock = now;
            }
        }
        PyBuffer_Release(&buffer);
    }
    free(nodes);
    Py_XDECREF(tuple);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *heart_read_data(PyObject *module, PyObject *args)
{
    return transfer(args, DATA);
}

static PyObject *heart_read_gradients(PyObject *module, PyObject *args)
{
    return transfer(args, GRADIENTS);
}

static PyObject *heart_write_data(PyObject *module, PyObject *args)
{
    return transfer(args, ALTER);
}

static PyObject *heart_are_leaves(PyObject *module, PyObject *sequence)
{
    PyObject *tuple = NULL;
    size_t count = 0;
    Node **nodes = nodes_in(sequence, &tuple, &count);
    int found = nodes != NULL;
    for (size_t i = 0; found && i < count; i++)
        nodes[i]->place = (uint32_t)i;
    for (size_t i = 0; found && i < count; i++) /* one that is named twice has its last place */
        found = !nodes[i]->row && nodes[i]->place == (uint32_t)i;
    free(nodes);
    Py_XDECREF(tuple);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(found);
}

/* Called by the collector: (phase, info). */
static PyObject *heart_collected(PyObject *module, PyObject *args)
{
    const char *phase;
    PyObject *info;
    if (!PyArg_ParseTuple(args, "sO!", &phase, &PyDict_Type, &info))
        return NULL;
    PyObject *generation = PyDict_GetItemString(info, "generation");
    if (!strcmp(phase, "stop") && generation && PyLong_AsLong(generation) == 2)
        forget_waiting();
    Py_RETURN_NONE;
}

/* ---- What tells whether any mode but the default one is alive. ------------------------------- */

static PyTypeObject *PresenceType;

static PyObject *heart_presence(PyObject *module, PyObject *unused)
{
    PyObject *presence = PyObject_New(PyObject, PresenceType);
    present += presence != NULL;
    return presence;
}

static void presence_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    present--;
    PyObject_Free(self);
    Py_DECREF((PyObject *)type);
}

static PyObject *same_presence(PyObject *self, PyObject *unused)
{
    return Py_NewRef(self);
}

static PyMethodDef presence_methods[] = {{"__copy__", same_presence, METH_NOARGS, NULL},
                                         {"__deepcopy__", same_presence, METH_O, NULL},
                                         {0}};
static PyType_Slot presence_slots[] = {
    {Py_tp_dealloc, presence_dealloc}, {Py_tp_methods, presence_methods}, {0, NULL}};
static PyType_Spec presence_spec = {"micrograd_plus.heart.Presence", sizeof(PyObject), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                    presence_slots};

/* ---- The module. ----------------------------------------------------------------------------- */

static int install_operators(PyObject *rows, PyObject *methods)
{
    for (int i = 0; i < OPERATORS; i++) {
        PyObject *primitive = PyDict_GetItemString(rows, OPERATOR_NAMES[i]);
        operator_method[i] = PyDict_GetItemString(methods, OPERATOR_NAMES[i]);
        if (!primitive || !operator_method[i] || !(operator_row[i] = row_of(primitive)))
            return -1;
        Py_INCREF(operator_method[i]);
        Py_INCREF((PyObject *)operator_row[i]);
    }
    for (int i = 0; i < OF_TWO_SIDES; i++) {
        turned_method[i] = PyDict_GetItemString(methods, TURNED_NAMES[i]);
        if (!turned_method[i])
            return -1;
        Py_INCREF(turned_method[i]);
    }
    return 0;
}

/* Whether the fields of a mode are those that C knows by their places. */
static int knows_modes(void)
{
    PyObject *fields = PyObject_GetAttrString(hook[DEFAULT_MODE], "_fields");
    int known = fields && PyTuple_Check(fields) && PyTuple_Check(hook[DEFAULT_MODE]);
    for (Py_ssize_t i = 0; known && i <= GROUP; i++) {
        PyObject *name = PyTuple_GetItem(fields, i);
        known = name && PyUnicode_CompareWithASCIIString(name, FIELDS_OF_A_MODE[i]) == 0;
    }
    Py_XDECREF(fields);
    if (!known && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "the fields of a mode are others than C knows");
    return known;
}

/* What help() says of the attributes is what Python's engine says. */
static int install_documentation(PyObject *texts)
{
    for (PyGetSetDef *attribute = node_getset; attribute->name; attribute++) {
        PyObject *text = PyDict_GetItemString(texts, attribute->name);
        const char *found = text ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
        char *kept = found ? malloc(strlen(found) + 1) : NULL;
        if (text && !kept)
            return -1;
        if (kept)
            attribute->doc = strcpy(kept, found);
    }
    return 0;
}

/* install(rows, methods, texts, **hooks): what each of Python's operators is, by the name of its
   method, the documentation of attributes, and whom to ask. */
static PyObject *heart_install(PyObject *module, PyObject *args, PyObject *named)
{
    PyObject *rows, *methods, *texts;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyDict_Type, &rows, &PyDict_Type, &methods,
                          &PyDict_Type, &texts))
        return NULL;
    for (int i = 0; i < HOOKS; i++) {
        PyObject *found = named ? PyDict_GetItemString(named, HOOK_NAMES[i]) : NULL;
        if (!found)
            return PyErr_Format(PyExc_TypeError, "install lacks %s", HOOK_NAMES[i]);
        Py_XDECREF(hook[i]);
        hook[i] = Py_NewRef(found);
    }
    if (install_operators(rows, methods) < 0 && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "install lacks an operator");
    if (!PyErr_Occurred() && knows_modes())
        selecting = row_of(hook[SELECTION]);
    if (!PyErr_Occurred() && install_documentation(texts) < 0 && !PyErr_Occurred())
        PyErr_NoMemory();
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

#define FUNCTION(f) (PyCFunction)(void (*)(void))f

static PyMethodDef functions[] = {
    {"install", FUNCTION(heart_install), METH_VARARGS | METH_KEYWORDS, NULL},
    {"method", make_method, METH_VARARGS, NULL},
    {"presence", heart_presence, METH_NOARGS, NULL},
    {"collected", heart_collected, METH_VARARGS, NULL},
    {"record", FUNCTION(heart_record), METH_FASTCALL, NULL},
    {"nodes_below", FUNCTION(heart_nodes_below), METH_VARARGS | METH_KEYWORDS, NULL},
    {"between", heart_between, METH_VARARGS, NULL},
    {"adjoints", FUNCTION(heart_adjoints), METH_VARARGS | METH_KEYWORDS, NULL},
    {"tangents", FUNCTION(heart_tangents), METH_VARARGS | METH_KEYWORDS, NULL},
    {"are_leaves", heart_are_leaves, METH_O, NULL},
    {"read_data", heart_read_data, METH_VARARGS, NULL},
    {"read_gradients", heart_read_gradients, METH_VARARGS, NULL},
    {"write_data", heart_write_data, METH_VARARGS, NULL},
    {"entry", heart_entry, METH_VARARGS, NULL},
    {"gradient", heart_gradient, METH_VARARGS, NULL},
    {"leaves_below", heart_leaves_below, METH_VARARGS, NULL},
    {"snapshot", heart_snapshot, METH_VARARGS, NULL},
    {"reduced", heart_reduced, METH_VARARGS, NULL},
    {"lowered", heart_lowered, METH_VARARGS, NULL},
    {"evaluated", heart_evaluated, METH_VARARGS, NULL},
    {"_node", FUNCTION(heart_node), METH_FASTCALL, NULL},
    {"_tick", heart_tick, METH_NOARGS, NULL},
    {"_commit", FUNCTION(heart_commit), METH_VARARGS | METH_KEYWORDS, NULL},
    {"_end_pass", heart_end_pass, METH_VARARGS, NULL},
    {"_add", heart_add, METH_O, NULL},
    {"runs", heart_runs, METH_VARARGS, NULL},
    {"rolled", heart_rolled, METH_VARARGS, NULL},
    {"use_vectors", heart_use_vectors, METH_O, NULL},
    {"over_columns", heart_over_columns, METH_VARARGS, NULL},
    {"_has_attributes", heart_has_attributes, METH_O, NULL},
    {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_heart", NULL, -1,
                                        functions, NULL, NULL, NULL, NULL};

static int add_names(PyObject *module)
{
    PyObject *operations = PyTuple_New(OPERATION_COUNT);
    for (int i = 0; operations && i < OPERATION_COUNT; i++)
        PyTuple_SetItem(operations, i, PyUnicode_FromString(OPERATIONS[i].name));
    int done = operations ? PyModule_AddObjectRef(module, "OPERATIONS", operations) : -1;
    Py_XDECREF(operations);
    if (done < 0 || PyModule_AddObjectRef(module, "Value", (PyObject *)Value) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "SOURCE", HEART_SOURCE);
}

PyMODINIT_FUNC PyInit__heart(void)
{
    name_of_row = PyUnicode_InternFromString("_in_c");
    Value = (PyTypeObject *)PyType_FromSpec(&node_spec);
    Allocator = (PyTypeObject *)PyType_FromSpec(&allocator_spec);
    RowType = (PyTypeObject *)PyType_FromSpec(&row_spec);
    MethodType = (PyTypeObject *)PyType_FromSpec(&method_spec);
    PresenceType = (PyTypeObject *)PyType_FromSpec(&presence_spec);
    EntryType = (PyTypeObject *)PyType_FromSpec(&entry_spec);
    CallerType = (PyTypeObject *)PyType_FromSpec(&caller_spec);
    SnapshotType = (PyTypeObject *)PyType_FromSpec(&snapshot_spec);
    RunsType = (PyTypeObject *)PyType_FromSpec(&runs_spec);
    choose_vectors(LONG_MAX);
    if (!name_of_row || !Value || !Allocator || !RowType || !MethodType || !PresenceType ||
        !EntryType || !CallerType || !SnapshotType || !RunsType)
        return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module && add_names(module) < 0)
        Py_CLEAR(module);
    return module;
}
