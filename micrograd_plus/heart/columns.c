/* Columns: a program carried out for many numbers at once, each of its steps for a stretch of them.
 *
 * A program is given numbers first, each of which stands for a whole column, and then columns: arrays
 * of one length. Steps that need numbers alone are run once for a call. The others are run for one
 * stretch of the columns after another, so that what lies between the steps stays near the processor.
 * Nothing is reassociated or contracted, and functions are the C library's, so the bits are those
 * that the same steps have in NumPy. What is done with the results is the caller's affair: it is told
 * whether all of them are finite.
 */

enum { STRETCH = 512, MOST_GIVEN = 32 };

typedef struct {
    Program *program;
    Py_ssize_t numbers; /* the first of what is given */
    int32_t *slot;      /* of each step: where its stretch lies, or -1 where it is a number */
    int32_t *result;    /* of each step: which output it is, or -1 */
    int32_t slots;
} Columns;

static const char COLUMNS_NAME[] = "micrograd_plus.heart.columns";

static void free_columns(Columns *columns)
{
    if (columns->program)
        free_program(columns->program);
    free(columns->slot);
    free(columns->result);
    free(columns);
}

static void drop_columns(PyObject *capsule)
{
    free_columns(PyCapsule_GetPointer(capsule, COLUMNS_NAME));
}

/* ---- What is found out before the first run. --------------------------------------------------- */

static inline int32_t before_steps(const Program *program)
{
    return program->given + program->constants;
}

static inline int is_column(const Columns *columns, int32_t reg)
{
    const Program *program = columns->program;
    int32_t step = reg - before_steps(program);
    return reg < program->given ? reg >= columns->numbers : step >= 0 && columns->slot[step] >= 0;
}

/* Which steps are columns, and which of these outputs; -1 where the program is none for columns. */
static int tell_columns(Columns *columns)
{
    const Program *program = columns->program;
    for (int32_t i = 0; i < program->steps; i++) {
        const Step *step = program->step + i;
        int kind = step->operation->kind;
        if (kind == SUM || kind == DOT)
            return -1;
        columns->slot[i] = columns->result[i] = -1;
        for (int32_t k = 0; k < step->count; k++)
            if (is_column(columns, program->operands[step->first + k]))
                columns->slot[i] = 0;
    }
    for (int32_t k = 0; k < program->outputs; k++) {
        int32_t reg = program->output[k], step = reg - before_steps(program);
        if (reg < 0)
            return -1;
        if (step >= 0 && columns->slot[step] >= 0 && columns->result[step] < 0)
            columns->result[step] = k;
    }
    return 0;
}

/* Give stretches to the steps that are no outputs: that of one which nobody needs any more (liveness).
   `last` has room for the last user of each step, `idle` for the slots that wait. */
static void give_slots(Columns *columns, int32_t *last, int32_t *idle)
{
    const Program *program = columns->program;
    int32_t before = before_steps(program), waiting = 0;
    for (int32_t i = 0; i < program->steps; i++)
        for (int32_t k = 0; k < program->step[i].count; k++) {
            int32_t operand = program->operands[program->step[i].first + k] - before;
            if (operand >= 0)
                last[operand] = i;
        }
    for (int32_t i = 0; i < program->steps; i++) {
        const Step *step = program->step + i;
        if (columns->slot[i] >= 0 && columns->result[i] < 0)
            columns->slot[i] = waiting ? idle[--waiting] : columns->slots++;
        for (int32_t k = 0; k < step->count; k++) {
            int32_t operand = program->operands[step->first + k] - before;
            int has_slot = operand >= 0 && columns->slot[operand] >= 0 && columns->result[operand] < 0;
            if (has_slot && last[operand] == i) {
                idle[waiting++] = columns->slot[operand];
                last[operand] = -1; /* it may be an operand twice */
            }
        }
    }
}

/* ---- A run. ------------------------------------------------------------------------------------ */

/* Where every register lies; numbers have room in `number`, the stretches of steps in `stretch`. */
static void lay_registers(const Columns *columns, Column *at, double *number, double *stretch,
                          const Py_buffer *given, const Py_buffer *outputs)
{
    const Program *program = columns->program;
    int32_t reg = 0;
    for (; reg < columns->numbers; reg++)
        at[reg] = (Column){number + reg, 0};
    for (; reg < program->given; reg++)
        at[reg] = (Column){given[reg - columns->numbers].buf, 1};
    for (int32_t i = 0; i < program->constants; i++, reg++)
        at[reg] = (Column){program->numbers + i, 0};
    for (int32_t i = 0; i < program->steps; i++, reg++) {
        int32_t slot = columns->slot[i], result = columns->result[i];
        if (result >= 0)
            at[reg] = (Column){outputs[result].buf, 1};
        else if (slot >= 0)
            at[reg] = (Column){stretch + (ptrdiff_t)slot * STRETCH, 1};
        else
            at[reg] = (Column){number + reg, 0};
    }
}

/* The steps that are columns, or those that are numbers. */
static void run_steps(const Columns *columns, Column *at, int columned, ptrdiff_t count)
{
    const Program *program = columns->program;
    Column *to = at + before_steps(program);
    for (int32_t i = 0; i < program->steps; i++) {
        const Step *step = program->step + i;
        const int32_t *o = program->operands + step->first, last = step->count - 1;
        if ((columns->slot[i] >= 0) == columned)
            run_column(step->operation, count, to[i].at, at + o[0], at + o[last > 0], at + o[last]);
    }
}

/* A stretch of an output that no step has put there: something given, a number, or a second time. */
static void copy_column(double *to, const Column *from, ptrdiff_t count)
{
    for (ptrdiff_t j = 0; j < count; j++)
        to[j] = from->at[j * from->step];
}

/* Fill the outputs, stretch by stretch; gives whether all that came out is finite. */
static int run_stretches(const Columns *columns, Column *at, Py_buffer *outputs, ptrdiff_t length)
{
    const Program *program = columns->program;
    int finite = 1;
    run_steps(columns, at, 0, 1);
    for (ptrdiff_t start = 0, count; start < length; start += count) {
        count = length - start < STRETCH ? length - start : STRETCH;
        run_steps(columns, at, 1, count);
        for (int32_t k = 0; k < program->outputs; k++) {
            double *to = (double *)outputs[k].buf + start;
            const Column *from = at + program->output[k];
            if (from->at != to)
                copy_column(to, from, count);
            finite &= are_finite(to, count);
        }
        for (int32_t reg = (int32_t)columns->numbers; reg < program->given; reg++)
            at[reg].at += count;
        for (int32_t i = 0; i < program->steps; i++)
            if (columns->result[i] >= 0)
                at[before_steps(program) + i].at += count;
    }
    return finite;
}

/* Whether what comes out is finite; -1 with an exception. */
static int run_with(const Columns *columns, PyObject *const *numbers, const Py_buffer *given,
                    Py_buffer *outputs)
{
    const Program *program = columns->program;
    size_t registers = (size_t)registers_of(program);
    size_t room = registers + (size_t)columns->slots * STRETCH + LINE / sizeof(double);
    ptrdiff_t length = length_of(given);
    double *number = malloc(room * sizeof(double));
    Column *at = malloc(registers * sizeof(Column));
    int finite = -1;
    Py_ssize_t read = 0;
    if (!number || !at)
        PyErr_NoMemory();
    else {
        while (read < columns->numbers && read_number(numbers[read], number + read) == 0)
            read++;
        uintptr_t end = (uintptr_t)(number + registers);
        double *stretch = (double *)((end + LINE - 1) / LINE * LINE); /* whole vectors in one line */
        lay_registers(columns, at, number, stretch, given, outputs);
    }
    if (!PyErr_Occurred()) {
        int is_long = length > LONG_RUN / (program->steps + 1);
        PyThreadState *state = is_long ? PyEval_SaveThread() : NULL;
        finite = run_stretches(columns, at, outputs, length);
        if (is_long)
            PyEval_RestoreThread(state);
    }
    free(number);
    free(at);
    return finite;
}

/* The columns and outputs as buffers; gives how many are held, fewer than `wanted` where one is no
   contiguous array of float64 or not of the length of the others: an exception for want of memory. */
static Py_ssize_t hold_columns(PyObject *const *arrays, Py_ssize_t given, Py_ssize_t wanted, Py_buffer *view)
{
    for (Py_ssize_t i = 0; i < wanted; i++) {
        int is_held = numbers_of(arrays[i], i >= given, "columns", view + i) == 0;
        if (is_held && view[i].len == view[0].len)
            continue;
        if (is_held)
            PyBuffer_Release(view + i);
        else if (!PyErr_ExceptionMatches(PyExc_MemoryError))
            PyErr_Clear();
        return i;
    }
    return wanted;
}

/* run(numbers..., columns..., outputs...): fill the outputs; gives whether all in them is finite, or
   None where arrays are other ones than C can read. */
static PyObject *columns_run(PyObject *capsule, PyObject *const *args, Py_ssize_t count)
{
    const Columns *columns = PyCapsule_GetPointer(capsule, COLUMNS_NAME);
    if (!columns)
        return NULL;
    Py_ssize_t given = columns->program->given - columns->numbers;
    Py_ssize_t wanted = given + columns->program->outputs;
    if (count != columns->numbers + wanted) {
        PyErr_Format(PyExc_TypeError, "there are %zd numbers and %zd columns", columns->numbers,
                     wanted);
        return NULL;
    }
    Py_buffer view[2 * MOST_GIVEN];
    Py_ssize_t held = hold_columns(args + columns->numbers, given, wanted, view);
    int finite = held == wanted ? run_with(columns, args, view, view + given) : -1;
    while (held > 0)
        PyBuffer_Release(&view[--held]);
    if (PyErr_Occurred())
        return NULL;
    return finite < 0 ? Py_NewRef(Py_None) : PyBool_FromLong(finite);
}

static PyMethodDef run_definition = {"run", (PyCFunction)(void (*)(void))columns_run,
                                     METH_FASTCALL, NULL};

/* Find out what a run needs; -1 with an exception. */
static int arrange(Columns *columns)
{
    const Program *program = columns->program;
    size_t size = ((size_t)program->steps + 1) * sizeof(int32_t);
    int32_t *last = malloc(size), *idle = malloc(size);
    int done = -1;
    columns->slot = malloc(size);
    columns->result = malloc(size);
    if (!last || !idle || !columns->slot || !columns->result)
        PyErr_NoMemory();
    else if (program->outputs > MOST_GIVEN || tell_columns(columns) < 0)
        PyErr_SetString(PyExc_ValueError, "this is no program for columns");
    else {
        give_slots(columns, last, idle);
        done = 0;
    }
    free(last);
    free(idle);
    return done;
}

/* over_columns(program, numbers, columns): a function that carries out the program, for so many
   numbers and then columns. */
static PyObject *heart_over_columns(PyObject *module, PyObject *args)
{
    PyObject *described;
    Py_ssize_t numbers, given;
    if (!PyArg_ParseTuple(args, "O!nn", &PyTuple_Type, &described, &numbers, &given))
        return NULL;
    if (numbers < 0 || given < 1 || numbers > MOST_GIVEN || given > MOST_GIVEN) {
        PyErr_SetString(PyExc_ValueError, "there are too many columns, or none");
        return NULL;
    }
    Columns *columns = calloc(1, sizeof(Columns));
    if (!columns)
        return PyErr_NoMemory();
    columns->numbers = numbers;
    columns->program = program_from(described, (uint32_t)(numbers + given - 1), 0);
    if (!columns->program)
        goto fail;
    if (arrange(columns) < 0)
        goto fail;
    PyObject *capsule = PyCapsule_New(columns, COLUMNS_NAME, drop_columns);
    if (!capsule)
        goto fail;
    PyObject *run = PyCFunction_NewEx(&run_definition, capsule, NULL);
    Py_DECREF(capsule);
    return run;
fail:
    free_columns(columns);
    return NULL;
}
