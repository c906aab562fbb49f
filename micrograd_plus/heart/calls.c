/* Calls: a way into code that runs a program on points, without ctypes.
 *
 * An entry is a function of C and what it works with: where its program lies, how many numbers go in
 * and out, constants, memory for each thread that is in it. Whoever makes machine code gives the
 * function's address; an interpreter in C makes an entry of its own function with `make_entry`.
 * Numbers come as floats or as buffers of float64. What an entry needs lives as long as it does.
 */

/* Of `count` points with so many inputs each, the outputs point by point, or their sums. The first
   numbers of `shared` are the constants; it and `scratch` are memory for nobody else. */
typedef void (*Kernel)(int64_t count, const double *points, const double *parameters,
                       double *shared, double *scratch, double *outputs, const void *program);

enum { LINE = 64 };            /* bytes in a line of the processor's cache */
enum { LONG_RUN = 1 << 18 };   /* operations from which on other threads may run beside */

typedef struct {
    Py_ssize_t inputs, parameters, outputs; /* numbers of a point, of all points, and what comes out */
    Py_ssize_t shared, scratch;             /* numbers that the kernel needs to work with */
    Py_ssize_t operations;                  /* of one point, about */
    int summed;                             /* whether outputs are sums over the points */
} Sizes;

/* Memory in which one thread works: shared, then point and outputs, then scratch. */
typedef struct Workspace {
    struct Workspace *next;
    double *shared, *point, *outputs, *scratch;
} Workspace;

typedef struct {
    PyObject_HEAD
    Kernel kernel;
    const void *program;
    PyObject *kept; /* whose memory the kernel and the program are */
    Sizes sizes;
    double *constants;
    Py_ssize_t constant_count;
    Workspace *waiting;
} Entry;

/* An entry for floats, and the form in which they come out: for each list or tuple, before what is
   in it, its length or the complement of that, and LEAF for a number. */
typedef struct {
    PyObject_HEAD
    Entry *entry;
    int32_t *form;
} Caller;

enum { LEAF = INT32_MAX };

static PyTypeObject *EntryType, *CallerType;

/* ---- Memory to work in. ---------------------------------------------------------------------- */

/* A workspace of the entry that no thread works in; NULL with an exception. */
static Workspace *workspace_of(Entry *entry)
{
    Workspace *found = entry->waiting;
    if (found) {
        entry->waiting = found->next;
        return found;
    }
    const Sizes *sizes = &entry->sizes;
    size_t before = (size_t)sizes->shared + (size_t)sizes->inputs + (size_t)sizes->outputs;
    size_t numbers = before + (size_t)sizes->scratch;
    found = malloc(sizeof(Workspace) + numbers * sizeof(double) + LINE);
    if (!found) {
        PyErr_NoMemory();
        return NULL;
    }
    found->shared = (double *)(found + 1);
    found->point = found->shared + sizes->shared;
    found->outputs = found->point + sizes->inputs;
    uintptr_t end = (uintptr_t)(found->shared + before);
    found->scratch = (double *)((end + LINE - 1) / LINE * LINE); /* whole vectors in one line */
    if (entry->constant_count)
        memcpy(found->shared, entry->constants, (size_t)entry->constant_count * sizeof(double));
    return found;
}

static void give_back(Entry *entry, Workspace *workspace)
{
    workspace->next = entry->waiting;
    entry->waiting = workspace;
}

/* Run the kernel, beside other threads of Python if that takes a while. */
static void enter(Entry *entry, Workspace *workspace, Py_ssize_t count, const double *points,
                  const double *parameters, double *outputs)
{
    int is_long = entry->sizes.operations > LONG_RUN / count;
    PyThreadState *state = is_long ? PyEval_SaveThread() : NULL;
    entry->kernel((int64_t)count, points, parameters, workspace->shared, workspace->scratch,
                  outputs, entry->program);
    if (is_long)
        PyEval_RestoreThread(state);
}

/* ---- Buffers. -------------------------------------------------------------------------------- */

/* The float64 of an object, contiguous; 0, or -1 with an exception, when nothing is to be released. */
static int numbers_of(PyObject *object, int writable, const char *what, Py_buffer *view)
{
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, view, flags) < 0)
        return -1;
    int is_aligned = (uintptr_t)view->buf % sizeof(double) == 0;
    if (is_aligned && view->format && view->format[0] == 'd' && !view->format[1])
        return 0;
    PyErr_Format(PyExc_TypeError, "the %s are an array of float64", what);
    PyBuffer_Release(view);
    return -1;
}

static inline Py_ssize_t length_of(const Py_buffer *view)
{
    return view->len / (Py_ssize_t)sizeof(double);
}

/* Parameters, as many as there are; none need be given where there are none. */
static int parameters_of(Entry *entry, PyObject *object, Py_buffer *view)
{
    view->obj = NULL;
    view->buf = NULL;
    if (!entry->sizes.parameters && object == Py_None)
        return 0;
    if (numbers_of(object, 0, "parameters", view) < 0)
        return -1;
    if (view->ndim == 1 && length_of(view) == entry->sizes.parameters)
        return 0;
    PyErr_Format(PyExc_ValueError, "there are %zd parameters in a row", entry->sizes.parameters);
    PyBuffer_Release(view);
    return -1;
}

/* ---- Entries. -------------------------------------------------------------------------------- */

static Entry *make_entry(Kernel kernel, const void *program, PyObject *kept, const Sizes *sizes,
                         const double *constants, Py_ssize_t constant_count)
{
    Entry *entry = PyObject_New(Entry, EntryType);
    if (!entry)
        return NULL;
    entry->kernel = kernel;
    entry->program = program;
    entry->kept = Py_NewRef(kept);
    entry->sizes = *sizes;
    entry->waiting = NULL;
    entry->constant_count = constant_count;
    entry->constants = malloc(((size_t)constant_count + 1) * sizeof(double));
    if (entry->constants && constant_count)
        memcpy(entry->constants, constants, (size_t)constant_count * sizeof(double));
    if (!entry->constants) {
        Py_DECREF((PyObject *)entry);
        return (Entry *)PyErr_NoMemory();
    }
    return entry;
}

static int are_possible(const Sizes *sizes, Py_ssize_t constants)
{
    const Py_ssize_t counts[] = {sizes->inputs, sizes->parameters, sizes->outputs, sizes->shared,
                                 sizes->scratch, sizes->operations};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        if (counts[i] < 0 || counts[i] > PTRDIFF_MAX / 64)
            return 0;
    return constants <= sizes->shared;
}

/* entry(address of the kernel, address of its program or 0, what must live on, (inputs, parameters,
   outputs, shared, scratch, operations), whether outputs are sums, constants) */
static PyObject *heart_entry(PyObject *module, PyObject *args)
{
    Py_ssize_t kernel, program;
    PyObject *kept, *constants;
    Sizes sizes;
    Py_buffer view;
    if (!PyArg_ParseTuple(args, "nnO(nnnnnn)pO", &kernel, &program, &kept, &sizes.inputs,
                          &sizes.parameters, &sizes.outputs, &sizes.shared, &sizes.scratch,
                          &sizes.operations, &sizes.summed, &constants) ||
        numbers_of(constants, 0, "constants", &view) < 0)
        return NULL;
    Entry *entry = NULL;
    if (!kernel || !are_possible(&sizes, length_of(&view)))
        PyErr_SetString(PyExc_ValueError, "there is no such entry");
    else
        entry = make_entry((Kernel)(uintptr_t)kernel, (const void *)(uintptr_t)program, kept,
                           &sizes, view.buf, length_of(&view));
    PyBuffer_Release(&view);
    return (PyObject *)entry;
}

static void entry_dealloc(PyObject *self)
{
    Entry *entry = (Entry *)self;
    PyTypeObject *type = Py_TYPE(self);
    for (Workspace *next, *w = entry->waiting; w; w = next) {
        next = w->next;
        free(w);
    }
    free(entry->constants);
    Py_DECREF(entry->kept);
    PyObject_Free(self);
    Py_DECREF((PyObject *)type);
}

/* Divide eight numbers, or multiply them by the reciprocal: a length that compilers know. */
static inline void scale_eight(double *numbers, double by, int divides)
{
    if (divides)
        for (int k = 0; k < 8; k++)
            numbers[k] /= by;
    else
        for (int k = 0; k < 8; k++)
            numbers[k] *= by;
}

/* Divide; a power of two has a reciprocal without rounding. */
static void divide(double *numbers, Py_ssize_t count, Py_ssize_t divisor)
{
    int divides = (divisor & (divisor - 1)) != 0;
    double by = divides ? (double)divisor : 1.0 / (double)divisor;
    Py_ssize_t i = 0;
    for (; i + 8 <= count; i += 8)
        scale_eight(numbers + i, by, divides);
    for (; i < count; i++)
        numbers[i] = divides ? numbers[i] / by : numbers[i] * by;
}

/* run(points, parameters, outputs[, divisor]): fill the outputs, and divide sums. */
static PyObject *entry_run(PyObject *self, PyObject *const *args, Py_ssize_t given)
{
    Entry *entry = (Entry *)self;
    const Sizes *sizes = &entry->sizes;
    if (given < 3 || given > 4) {
        PyErr_SetString(PyExc_TypeError, "run takes points, parameters, outputs and a divisor");
        return NULL;
    }
    Py_ssize_t divisor = given == 4 ? PyLong_AsSsize_t(args[3]) : 1;
    if (divisor < 1) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the divisor is a positive number");
        return NULL;
    }
    Py_buffer points, parameters, outputs;
    PyObject *done = NULL;
    if (numbers_of(args[0], 0, "points", &points) < 0)
        return NULL;
    if (parameters_of(entry, args[1], &parameters) < 0)
        goto release_points;
    if (numbers_of(args[2], 1, "outputs", &outputs) < 0)
        goto release_parameters;
    Py_ssize_t count = points.ndim == 2 ? points.shape[0] : 0;
    Py_ssize_t wanted = sizes->summed ? sizes->outputs : count * sizes->outputs;
    if (points.ndim != 2 || points.shape[1] != sizes->inputs || length_of(&outputs) != wanted) {
        PyErr_Format(PyExc_ValueError, "a point has %zd inputs and %zd outputs", sizes->inputs,
                     sizes->outputs);
        goto release_outputs;
    }
    if (count) {
        Workspace *workspace = workspace_of(entry);
        if (!workspace)
            goto release_outputs;
        enter(entry, workspace, count, points.buf, parameters.buf, outputs.buf);
        give_back(entry, workspace);
        if (divisor > 1)
            divide(outputs.buf, wanted, divisor);
    } else if (wanted)
        memset(outputs.buf, 0, (size_t)wanted * sizeof(double));
    done = Py_NewRef(Py_None);
release_outputs:
    PyBuffer_Release(&outputs);
release_parameters:
    PyBuffer_Release(&parameters);
release_points:
    PyBuffer_Release(&points);
    return done;
}

static PyObject *listed(const double *numbers, Py_ssize_t count)
{
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (number)
            PyList_SetItem(list, i, number);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* point(tuple of floats, parameters): the outputs for one point, a list. */
static PyObject *entry_point(PyObject *self, PyObject *const *args, Py_ssize_t given)
{
    Entry *entry = (Entry *)self;
    Py_buffer parameters;
    if (given != 2 || !PyTuple_Check(args[0]) || PyTuple_Size(args[0]) != entry->sizes.inputs) {
        PyErr_Format(PyExc_TypeError, "a point is a tuple of %zd floats", entry->sizes.inputs);
        return NULL;
    }
    if (parameters_of(entry, args[1], &parameters) < 0)
        return NULL;
    PyObject *found = NULL;
    Workspace *workspace = workspace_of(entry);
    if (workspace) {
        Py_ssize_t i = 0, inputs = entry->sizes.inputs;
        while (i < inputs && read_number(PyTuple_GetItem(args[0], i), workspace->point + i) == 0)
            i++;
        if (i == inputs) {
            enter(entry, workspace, 1, workspace->point, parameters.buf, workspace->outputs);
            found = listed(workspace->outputs, entry->sizes.outputs);
        }
        give_back(entry, workspace);
    }
    PyBuffer_Release(&parameters);
    return found;
}

/* ---- Floats in, floats out. ------------------------------------------------------------------ */

/* What lies in the form from `*at` on, with the numbers from `*number` on. */
static PyObject *formed(const int32_t **at, const double **number)
{
    int32_t size = *(*at)++;
    if (size == LEAF)
        return PyFloat_FromDouble(*(*number)++);
    int is_tuple = size < 0;
    if (is_tuple)
        size = ~size;
    PyObject *found = is_tuple ? PyTuple_New(size) : PyList_New(size);
    for (int32_t i = 0; found && i < size; i++) {
        PyObject *part = formed(at, number);
        if (!part)
            Py_CLEAR(found);
        else if (is_tuple)
            PyTuple_SetItem(found, i, part);
        else
            PyList_SetItem(found, i, part);
    }
    return found;
}

/* The outputs for a point; NotImplemented for anything but so many floats. */
static PyObject *caller_call(PyObject *self, PyObject *const *args, Py_ssize_t given)
{
    Entry *entry = ((Caller *)self)->entry;
    Py_ssize_t inputs = entry->sizes.inputs;
    for (Py_ssize_t i = 0; i < given; i++)
        if (!IS_FLOAT(args[i]))
            Py_RETURN_NOTIMPLEMENTED;
    if (given != inputs)
        Py_RETURN_NOTIMPLEMENTED;
    Workspace *workspace = workspace_of(entry);
    if (!workspace)
        return NULL;
    for (Py_ssize_t i = 0; i < inputs; i++)
        workspace->point[i] = PyFloat_AsDouble(args[i]);
    enter(entry, workspace, 1, workspace->point, NULL, workspace->outputs);
    const int32_t *form = ((Caller *)self)->form;
    const double *numbers = workspace->outputs;
    PyObject *found = formed(&form, &numbers);
    give_back(entry, workspace);
    return found;
}

/* How many lists, tuples and numbers a form has; -1 with an exception, or without one where there
   is something else in it. */
static Py_ssize_t parts_of(PyObject *form)
{
    int is_tuple = PyTuple_CheckExact(form);
    if (!is_tuple && !PyList_CheckExact(form))
        return IS_FLOAT(form) ? 1 : -1;
    if (Py_EnterRecursiveCall(" in the form of an output"))
        return -1;
    Py_ssize_t size = is_tuple ? PyTuple_Size(form) : PyList_Size(form), parts = 1;
    for (Py_ssize_t i = 0; parts > 0 && i < size; i++) {
        Py_ssize_t more = parts_of(is_tuple ? PyTuple_GetItem(form, i) : PyList_GetItem(form, i));
        parts = more < 0 || parts > INT32_MAX / 2 ? -1 : parts + more;
    }
    Py_LeaveRecursiveCall();
    return parts;
}

static int32_t *write_form(PyObject *form, int32_t *to, Py_ssize_t *numbers)
{
    int is_tuple = PyTuple_CheckExact(form);
    if (!is_tuple && !PyList_CheckExact(form)) {
        (*numbers)++;
        *to++ = LEAF;
        return to;
    }
    int32_t size = (int32_t)(is_tuple ? PyTuple_Size(form) : PyList_Size(form));
    *to++ = is_tuple ? ~size : size;
    for (int32_t i = 0; i < size; i++)
        to = write_form(is_tuple ? PyTuple_GetItem(form, i) : PyList_GetItem(form, i), to, numbers);
    return to;
}

static PyMethodDef call_definition = {"call", (PyCFunction)(void (*)(void))caller_call,
                                      METH_FASTCALL, NULL};

/* caller(form): a function of the inputs, floats, that gives floats in this form; None where there
   are parameters, or where the form has other things than floats, lists and tuples. */
static PyObject *entry_caller(PyObject *self, PyObject *form)
{
    Entry *entry = (Entry *)self;
    Py_ssize_t parts = parts_of(form), numbers = 0;
    if (PyErr_Occurred())
        return NULL;
    if (parts < 0 || entry->sizes.parameters || entry->sizes.summed)
        Py_RETURN_NONE;
    Caller *caller = PyObject_New(Caller, CallerType);
    if (!caller)
        return NULL;
    caller->entry = (Entry *)Py_NewRef(self);
    caller->form = malloc((size_t)parts * sizeof(int32_t));
    PyObject *found = NULL;
    if (!caller->form)
        PyErr_NoMemory();
    else if (write_form(form, caller->form, &numbers), numbers != entry->sizes.outputs)
        PyErr_Format(PyExc_ValueError, "there are %zd outputs", entry->sizes.outputs);
    else
        found = PyCFunction_NewEx(&call_definition, (PyObject *)caller, NULL);
    Py_DECREF((PyObject *)caller);
    return found;
}

static void caller_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    free(((Caller *)self)->form);
    Py_DECREF((PyObject *)((Caller *)self)->entry);
    PyObject_Free(self);
    Py_DECREF((PyObject *)type);
}

static PyMethodDef entry_methods[] = {
    {"run", (PyCFunction)(void (*)(void))entry_run, METH_FASTCALL, NULL},
    {"point", (PyCFunction)(void (*)(void))entry_point, METH_FASTCALL, NULL},
    {"caller", entry_caller, METH_O, NULL},
    {0}};
static PyType_Slot entry_slots[] = {
    {Py_tp_dealloc, entry_dealloc}, {Py_tp_methods, entry_methods}, {0, NULL}};
static PyType_Spec entry_spec = {"micrograd_plus.heart.Entry", sizeof(Entry), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 entry_slots};
static PyType_Slot caller_slots[] = {{Py_tp_dealloc, caller_dealloc}, {0, NULL}};
static PyType_Spec caller_spec = {"micrograd_plus.heart.Caller", sizeof(Caller), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                  caller_slots};
