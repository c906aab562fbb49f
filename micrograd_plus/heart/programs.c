/* Programs: flat lists of instructions over registers, as on a tape.
 *
 * Registers hold, in this order, the result of a row, its operands, constants, and one number an
 * instruction. What a row computes, and what its slopes are, Python hands over as such programs;
 * nothing here knows a row. The instructions have LLVM's names, functions those of the C library.
 */

#ifdef _MSC_VER /* functions of the library that have an address, and no product fused with a sum */
#pragma warning(disable : 4163) /* which of them could be anything else differs by its version */
#pragma function(exp, exp2, expm1, log, log2, log10, log1p, cbrt, sin, cos, tan, asin, acos, atan)
#pragma function(sinh, cosh, tanh, asinh, acosh, atanh, erf, erfc, floor, pow, hypot, atan2, fmod)
#pragma fp_contract(off)
#endif

enum { ADD, SUB, MUL, DIV, NEGATE, ABSOLUTE, ROOT, LESS, LESS_EQUAL, EQUAL, SELECT, SUM, DOT,
       OF_ONE, OF_TWO };

typedef struct {
    const char *name;
    int kind;
    double (*of_one)(double);
    double (*of_two)(double, double);
} Operation;

static const Operation OPERATIONS[] = {
    {"fadd", ADD, NULL, NULL},
    {"fsub", SUB, NULL, NULL},
    {"fmul", MUL, NULL, NULL},
    {"fdiv", DIV, NULL, NULL},
    {"fneg", NEGATE, NULL, NULL},
    {"fabs", ABSOLUTE, NULL, NULL},
    {"sqrt", ROOT, NULL, NULL},
    {"olt", LESS, NULL, NULL},
    {"ole", LESS_EQUAL, NULL, NULL},
    {"oeq", EQUAL, NULL, NULL},
    {"select", SELECT, NULL, NULL},
    {"sum", SUM, NULL, NULL},
    {"dot", DOT, NULL, NULL},
    {"exp", OF_ONE, exp, NULL},
    {"exp2", OF_ONE, exp2, NULL},
    {"expm1", OF_ONE, expm1, NULL},
    {"log", OF_ONE, log, NULL},
    {"log2", OF_ONE, log2, NULL},
    {"log10", OF_ONE, log10, NULL},
    {"log1p", OF_ONE, log1p, NULL},
    {"cbrt", OF_ONE, cbrt, NULL},
    {"sin", OF_ONE, sin, NULL},
    {"cos", OF_ONE, cos, NULL},
    {"tan", OF_ONE, tan, NULL},
    {"asin", OF_ONE, asin, NULL},
    {"acos", OF_ONE, acos, NULL},
    {"atan", OF_ONE, atan, NULL},
    {"sinh", OF_ONE, sinh, NULL},
    {"cosh", OF_ONE, cosh, NULL},
    {"tanh", OF_ONE, tanh, NULL},
    {"asinh", OF_ONE, asinh, NULL},
    {"acosh", OF_ONE, acosh, NULL},
    {"atanh", OF_ONE, atanh, NULL},
    {"erf", OF_ONE, erf, NULL},
    {"erfc", OF_ONE, erfc, NULL},
    {"floor", OF_ONE, floor, NULL},
    {"pow", OF_TWO, NULL, pow},
    {"hypot", OF_TWO, NULL, hypot},
    {"atan2", OF_TWO, NULL, atan2},
    {"fmod", OF_TWO, NULL, fmod},
};
enum { OPERATION_COUNT = sizeof(OPERATIONS) / sizeof(OPERATIONS[0]) };

/* The kinds of one or two operands. */
static inline double evaluate(const Operation *operation, double x, double y)
{
    switch (operation->kind) {
    case ADD: return x + y;
    case SUB: return x - y;
    case MUL: return x * y;
    case DIV: return x / y;
    case NEGATE: return -x;
    case ABSOLUTE: return fabs(x);
    case ROOT: return sqrt(x);
    case LESS: return x < y;
    case LESS_EQUAL: return x <= y;
    case EQUAL: return x == y;
    case OF_ONE: return operation->of_one(x);
    default: return operation->of_two(x, y);
    }
}

/* Any kind, of numbers that lie side by side. */
static double evaluate_many(const Operation *operation, const double *x, Py_ssize_t count)
{
    double total;
    switch (operation->kind) {
    case SUM:
        total = 0.0;
        for (Py_ssize_t i = 0; i < count; i++)
            total += x[i];
        return total;
    case DOT: /* a bias, weights, inputs */
        total = x[0];
        for (Py_ssize_t i = 1; i <= count / 2; i++)
            total += x[i] * x[i + count / 2];
        return total;
    case SELECT:
        return x[0] != 0.0 ? x[1] : x[2];
    default:
        return evaluate(operation, x[0], count > 1 ? x[1] : 0.0);
    }
}

static int takes_so_many(int kind, int64_t count)
{
    switch (kind) {
    case SUM: return 1;
    case DOT: return count % 2 == 1;
    case SELECT: return count == 3;
    case NEGATE:
    case ABSOLUTE:
    case ROOT:
    case OF_ONE: return count == 1;
    default: return count == 2;
    }
}

typedef struct {
    const Operation *operation;
    int32_t first, count; /* its operands, among those of the program */
} Step;

typedef struct Program {
    struct Program *next; /* of its row */
    uint32_t size;        /* how many operands the row has here */
    int of_slopes;
    int32_t given, constants, steps, outputs; /* given: the result and the operands */
    double *numbers;
    Step *step;
    int32_t *operands;
    int32_t *output; /* the register of each, -1 where there is none */
} Program;

static inline Py_ssize_t registers_of(const Program *program)
{
    return (Py_ssize_t)program->given + program->constants + program->steps;
}

/* Fill the registers, of which the first hold what is given. Long sums and products of the program
   gather their operands in `gathered`, which has room for as many as there are operands in all. */
static void run(const Program *program, double *registers, double *gathered)
{
    double *to = registers + program->given;
    if (program->constants)
        memcpy(to, program->numbers, (size_t)program->constants * sizeof(double));
    to += program->constants;
    for (int32_t i = 0; i < program->steps; i++) {
        const Step *step = program->step + i;
        const int32_t *o = program->operands + step->first;
        if (step->count <= 2 && step->operation->kind != SUM && step->operation->kind != DOT)
            to[i] = evaluate(step->operation, registers[o[0]], registers[o[step->count - 1]]);
        else {
            for (int32_t k = 0; k < step->count; k++)
                gathered[k] = registers[o[k]];
            to[i] = evaluate_many(step->operation, gathered, step->count);
        }
    }
}

/* Room for the registers of one program after another: small ones on the stack. */
typedef struct {
    double few[96];
    double *more;
    size_t room;
} Room;

static double *room_for(Room *room, size_t count)
{
    if (count <= sizeof(room->few) / sizeof(double))
        return room->few;
    if (count > room->room) {
        double *more = realloc(room->more, count * sizeof(double));
        if (!more) {
            PyErr_NoMemory();
            return NULL;
        }
        room->more = more;
        room->room = count;
    }
    return room->more;
}

static int32_t operands_in_all(const Program *program)
{
    const Step *last = program->step + program->steps - 1;
    return program->steps ? last->first + last->count : 0;
}

static void free_program(Program *program)
{
    free(program->numbers);
    free(program->step);
    free(program->operands);
    free(program->output);
    free(program);
}

/* A number of Python's; -1 with an exception. */
static inline int read_number(PyObject *from, double *to)
{
    *to = PyFloat_AsDouble(from);
    return *to == -1.0 && PyErr_Occurred() ? -1 : 0;
}

static int32_t *integers_of(PyObject *list, Py_ssize_t *count)
{
    *count = PyList_Size(list);
    if (*count < 0)
        return NULL;
    int32_t *found = malloc(((size_t)*count + 1) * sizeof(int32_t));
    if (!found) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < *count && !PyErr_Occurred(); i++)
        found[i] = (int32_t)PyLong_AsLong(PyList_GetItem(list, i));
    if (PyErr_Occurred()) {
        free(found);
        return NULL;
    }
    return found;
}

static int are_below(const int32_t *numbers, Py_ssize_t count, int32_t least, int32_t limit)
{
    for (Py_ssize_t i = 0; i < count; i++)
        if (numbers[i] < least || numbers[i] >= limit)
            return 0;
    return 1;
}

/* Fill in the steps; whether all of them are operations on registers before them, and the outputs
   registers or nothing. */
static int are_steps(Program *program, const int32_t *code, const int32_t *count, Py_ssize_t total)
{
    const int32_t before = program->given + program->constants;
    int32_t first = 0;
    for (int32_t i = 0; i < program->steps; i++) {
        if (code[i] < 0 || code[i] >= OPERATION_COUNT || count[i] < 0 || count[i] > total - first ||
            !takes_so_many(OPERATIONS[code[i]].kind, count[i]) ||
            !are_below(program->operands + first, count[i], 0, before + i))
            return 0;
        program->step[i] = (Step){OPERATIONS + code[i], first, count[i]};
        first += count[i];
    }
    return first == total && are_below(program->output, program->outputs, -1, before + program->steps);
}

/* A program from the lists that describe it: constants; the operation of each step, by its place in
   OPERATIONS; how many operands each has; these; outputs. */
static Program *program_from(PyObject *described, uint32_t size, int of_slopes)
{
    PyObject *numbers, *codes, *counts, *operands, *outputs;
    Py_ssize_t steps = 0, counted = 0, total = 0, given = 0;
    int32_t *code = NULL, *count = NULL;
    if (!PyArg_ParseTuple(described, "O!O!O!O!O!", &PyList_Type, &numbers, &PyList_Type, &codes,
                          &PyList_Type, &counts, &PyList_Type, &operands, &PyList_Type, &outputs))
        return NULL;
    Program *program = calloc(1, sizeof(Program));
    if (!program)
        return (Program *)PyErr_NoMemory();
    program->size = size;
    program->of_slopes = of_slopes;
    program->given = (int32_t)size + 1;
    program->constants = (int32_t)PyList_Size(numbers);
    program->numbers = malloc(((size_t)program->constants + 1) * sizeof(double));
    if (!program->numbers) {
        PyErr_NoMemory();
        goto fail;
    }
    for (int32_t i = 0; i < program->constants; i++)
        if (read_number(PyList_GetItem(numbers, i), program->numbers + i) < 0)
            goto fail;
    if (!(code = integers_of(codes, &steps)) || !(count = integers_of(counts, &counted)) ||
        !(program->operands = integers_of(operands, &total)) ||
        !(program->output = integers_of(outputs, &given)))
        goto fail;
    program->steps = (int32_t)steps;
    program->outputs = (int32_t)given;
    program->step = malloc(((size_t)steps + 1) * sizeof(Step));
    if (!program->step) {
        PyErr_NoMemory();
        goto fail;
    }
    if (counted == steps && are_steps(program, code, count, total)) {
        free(code);
        free(count);
        return program;
    }
    PyErr_SetString(PyExc_ValueError, "a program has operations, operands or outputs that are none");
fail:
    free(code);
    free(count);
    free_program(program);
    return NULL;
}
