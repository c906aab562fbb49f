/* Runs: a flat program turned into runs of alike instructions at even distances, and run at once,
 * without a compiler: what is decided for a run is decided once for all its instructions.
 *
 * Every result belongs to a run. An instruction joins the latest run of its kind whose operands lie
 * in the same runs as its own, if they do at even distances. So a run needs none of its own results,
 * nor those of a later run, and may take an instruction in long after it began. Chains of additions
 * and sums of products are one instruction with several terms. What depends on parameters and
 * constants alone runs once for a call, the rest once for a point, or for sixteen of them at a time.
 * Results share memory: a run gets that of earlier ones that nobody needs any more (liveness).
 *
 * Nothing is reassociated or contracted, functions are the C library's, and points are summed in the
 * order that tape.py states, so the bits are those of the interpreter in Python.
 */

enum { BLOCK = 16, TOGETHER = 8 }; /* points side by side; results that are summed together */
enum { FEW = 3 };                  /* results that are no run to those who carry it out */

/* An instruction is a row of words: what it is, where its result and operands lie; and of many, how
   many results and terms it has, and the distances from one result and term to the next. Places of
   what all points have in common come first, then those of the others. */
enum { HEAD, TO, A, B, C, D, OF_SINGLE, COUNT = OF_SINGLE, INNER, TO_STEP, A_STEP, B_STEP, C_STEP,
       D_STEP, A_TERM, B_TERM, D_TERM, OF_MANY };
enum { KIND = 0xff, MANY = 1 << 16, TO_OUTPUT = 1 << 17 };
#define OPERATION_OF(head) ((head) >> 8 & 0xff)

/* Beside the kinds of programs.c: a product that is selected, a != 0 ? b * d : c; and a sum of
   products that are selected or not there, c + (a != 0 ? b * d : -0.0) + ... */
enum { GATED = OF_TWO + 1, ROUTED, GIVEN };

typedef struct {
    ptrdiff_t count, inner, to_step, a_step, b_step, c_step, d_step, a_term, b_term, d_term;
} Terms;
static const Terms ONE_TERM = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0};

static inline Terms terms_of(const int32_t *w)
{
    return (Terms){w[COUNT],  w[INNER],  w[TO_STEP], w[A_STEP], w[B_STEP],
                   w[C_STEP], w[D_STEP], w[A_TERM],  w[B_TERM], w[D_TERM]};
}

typedef struct {
    const double *shared; /* what all points have in common */
    ptrdiff_t first;      /* how much that is: the first place of what each has for itself */
    double *lanes;        /* there it begins */
    double *given;        /* the outputs of each point, unless they are summed */
    double *outputs;      /* sums */
    int valid, summed;    /* points in the block */
} Block;

/* Numbers side by side, or one that stands for all of them: the step is 1 or 0. */
typedef struct {
    double *at;
    ptrdiff_t step;
} Column;

#define PLUS(x, y) ((x) + (y))
#define MINUS(x, y) ((x) - (y))
#define TIMES(x, y) ((x) * (y))
#define OVER(x, y) ((x) / (y))
#define BELOW(x, y) ((double)((x) < (y)))
#define AT_MOST(x, y) ((double)((x) <= (y)))
#define EQUALS(x, y) ((double)((x) == (y)))

/* One of two numbers, without a branch that a processor would guess wrong every other time. */
#define EITHER(condition, x, y) (((const double[2]){y, x})[(condition) != 0.0])

#if defined(__GNUC__)
#define APART __attribute__((noinline))
#else
#define APART
#endif
#if defined(__clang__)
#define ALONE _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define ALONE _Pragma("GCC ivdep")
#else
#define ALONE
#endif

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE(...) __builtin_shufflevector(__VA_ARGS__)
#endif
#endif

#if defined(__GNUC__) && defined(__x86_64__)
#define VECTORS
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#define NAME(name) name##_of_512_bits
#define WIDTH 8
#include "lanes.c"
#undef TARGET
#undef NAME
#undef WIDTH
#define TARGET __attribute__((target("avx2")))
#define NAME(name) name##_of_256_bits
#define WIDTH 4
#include "lanes.c"
#undef TARGET
#undef NAME
#undef WIDTH
#endif
#if defined(__GNUC__)
#ifndef VECTORS
#define VECTORS
#endif
#define WIDTH 2
#else
#define WIDTH 1
#endif
#define TARGET
#define NAME(name) name##_anywhere
#include "lanes.c"

static const int32_t *(*run_one)(const int32_t *, const int32_t *, double *, double *);
static const int32_t *(*run_block)(const int32_t *, const int32_t *, const Block *);
static void (*run_column)(const Operation *, ptrdiff_t, double *, const Column *, const Column *,
                          const Column *);
static int (*are_finite)(const double *, ptrdiff_t);

/* Choose the widest vectors that the processor has, of so many bits at most; gives their bits. */
static long choose_vectors(long most)
{
#if defined(__GNUC__) && defined(__x86_64__)
    __builtin_cpu_init();
    if (most >= 512 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        run_one = run_one_of_512_bits;
        run_block = run_block_of_512_bits;
        run_column = run_column_of_512_bits;
        are_finite = are_finite_of_512_bits;
        return 512;
    }
    if (most >= 256 && __builtin_cpu_supports("avx2")) {
        run_one = run_one_of_256_bits;
        run_block = run_block_of_256_bits;
        run_column = run_column_of_256_bits;
        are_finite = are_finite_of_256_bits;
        return 256;
    }
#endif
    (void)most;
    run_one = run_one_anywhere;
    run_block = run_block_anywhere;
    run_column = run_column_anywhere;
    are_finite = are_finite_anywhere;
    return 64 * WIDTH;
}

static PyObject *heart_use_vectors(PyObject *module, PyObject *most)
{
    long bits = PyLong_AsLong(most);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(choose_vectors(bits));
}

/* ---- A program as it is given, and what is found out about its registers. ---------------------- */

typedef struct {
    int32_t inputs, parameters, constants, instructions, outputs, operations;
    const double *number;
    const int32_t *code, *start, *operand, *output;
    int8_t *operation; /* of each code, its place in OPERATIONS */
} Lowered;

static inline int32_t first_of(const Lowered *given)
{
    return given->inputs + given->parameters + given->constants;
}

typedef struct {
    int32_t run, index; /* where a result lies: in which run, and at which place of it */
} Spot;

enum { NOBODY = -1, MANY_USERS = -2, AN_OUTPUT = -3 };
enum { CONSTANTS, PARAMETERS, INPUTS, RESULTS_FROM }; /* runs that are given */
enum { SHARED, LANES, OUTPUT };                       /* where the results of a run go */
enum { NEVER = -1, ALWAYS = INT32_MAX };

typedef struct {
    uint8_t kind, operation, place;
    int32_t count, inner;
    int32_t run[4], first[4], step[4], term[3]; /* of operands: their run, and places in it */
    int32_t to, to_step;                        /* outputs */
    int32_t at, last; /* where its results begin, and the last run that needs them */
    int32_t gone, next; /* the first of those that are needed no more after it; the next of these */
} Run;

/* An instruction on its way into a run. */
typedef struct {
    uint8_t kind, operation, place;
    int32_t inner, term[3], output;
    Spot of[4];
} Statement;

/* What is added: a number (SUM), a product (DOT), or one that a condition lets through (ROUTED). */
typedef struct {
    uint8_t kind;
    Spot of[3];
} Term;

typedef struct {
    const Lowered *given;
    int32_t *user;   /* of each register: the one instruction that needs it, or none or many */
    int32_t *output; /* the one output that it is */
    uint8_t *varies; /* whether it depends on the point */
    uint8_t *kind;   /* of its operation, or GIVEN */
    uint8_t *is_part; /* whether it becomes part of the one instruction that needs it */
    Spot *spot;
    Run *run;
    size_t runs, room;
    int32_t *latest; /* of statements with equal hashes */
    size_t latests;
    Term *term;
    size_t terms, term_room;
    Spot zero, one;
} Plan;

static const Operation *operation_of(const Lowered *given, int32_t i)
{
    return OPERATIONS + given->operation[given->code[i]];
}

static const int32_t *operands_of(const Lowered *given, int32_t i, int32_t *count)
{
    *count = given->start[i + 1] - given->start[i];
    return given->operand + given->start[i];
}

static int is_of(const Plan *plan, int32_t r, int kind)
{
    return plan->kind[r] == kind;
}

/* The one instruction that needs a result and depends on the point as that does, or none. */
static int32_t only_user(const Plan *plan, int32_t r)
{
    int32_t user = plan->user[r], first = first_of(plan->given);
    return user >= 0 && plan->varies[first + user] == plan->varies[r] ? user : NOBODY;
}

static int is_nothing(const Plan *plan, int32_t r)
{
    int32_t constant = r - plan->given->inputs - plan->given->parameters;
    if (constant < 0 || constant >= plan->given->constants)
        return 0;
    double number = plan->given->number[constant];
    return number == 0.0 && signbit(number);
}

/* Whether a result may be a term of a sum: a product, or what a condition lets through or makes
   nothing of. */
static int is_term(const Plan *plan, int32_t r)
{
    int32_t first = first_of(plan->given), count;
    if (!is_of(plan, r, SELECT))
        return is_of(plan, r, MUL);
    return is_nothing(plan, operands_of(plan->given, r - first, &count)[2]);
}

/* The operand of an addition that is added as a term, 0 or 1; the other one is what it is added to.
   Which of two numbers comes first makes no difference to their sum. */
static int term_of(const Plan *plan, int32_t i)
{
    int32_t count;
    const int32_t *o = operands_of(plan->given, i, &count);
    int is_second = is_term(plan, o[1]) && only_user(plan, o[1]) == i;
    return is_second || !(is_term(plan, o[0]) && only_user(plan, o[0]) == i);
}

/* Whether a result becomes part of the one instruction that needs it: of an addition a term, or a
   sum as what is added to; of a selection the product that it may select. */
static int becomes_part(const Plan *plan, int32_t r)
{
    int32_t user = only_user(plan, r), count;
    if (user < 0)
        return 0;
    const int32_t *o = operands_of(plan->given, user, &count);
    int32_t result = first_of(plan->given) + user;
    if (is_of(plan, result, SELECT))
        return o[1] == r && is_of(plan, r, MUL);
    if (!is_of(plan, result, ADD))
        return 0;
    int term = term_of(plan, user);
    return is_term(plan, r) ? o[term] == r : is_of(plan, r, ADD) && o[1 - term] == r;
}

static void find_users(Plan *plan)
{
    const Lowered *given = plan->given;
    int32_t first = first_of(given), registers = first + given->instructions, count;
    for (int32_t r = 0; r < registers; r++)
        plan->user[r] = NOBODY;
    for (int32_t k = 0; k < given->outputs; k++) {
        int32_t r = given->output[k];
        plan->output[r] = k;
        plan->user[r] = plan->user[r] == NOBODY ? AN_OUTPUT : MANY_USERS;
    }
    for (int32_t i = given->instructions; i-- > 0;) {
        if (plan->user[first + i] == NOBODY)
            continue;
        const int32_t *o = operands_of(given, i, &count);
        for (int32_t k = 0; k < count; k++)
            plan->user[o[k]] = plan->user[o[k]] == NOBODY ? i : MANY_USERS;
    }
    for (int32_t r = 0; r < first; r++) {
        plan->varies[r] = r < given->inputs;
        plan->kind[r] = GIVEN;
    }
    for (int32_t i = 0; i < given->instructions; i++) {
        const int32_t *o = operands_of(given, i, &count);
        uint8_t varies = 0;
        for (int32_t k = 0; k < count; k++)
            varies |= plan->varies[o[k]];
        plan->varies[first + i] = varies;
        plan->kind[first + i] = (uint8_t)operation_of(given, i)->kind;
    }
}

/* ---- Runs. ------------------------------------------------------------------------------------- */

static inline int is_alike(const Run *run, const Statement *s)
{
    return run->kind == s->kind && run->operation == s->operation && run->place == s->place &&
           run->inner == s->inner && !memcmp(run->term, s->term, sizeof(s->term)) &&
           run->run[0] == s->of[0].run && run->run[1] == s->of[1].run &&
           run->run[2] == s->of[2].run && run->run[3] == s->of[3].run;
}

static size_t hash_of(const Statement *s)
{
    uint64_t parts[] = {(uint64_t)s->kind << 16 | (uint64_t)s->operation << 8 | s->place,
                        (uint32_t)s->inner, (uint32_t)s->term[0], (uint32_t)s->term[1], (uint32_t)s->term[2],
                        (uint32_t)s->of[0].run, (uint32_t)s->of[1].run, (uint32_t)s->of[2].run,
                        (uint32_t)s->of[3].run};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        hash = mixed(hash, parts[i]);
    return (size_t)hash;
}

/* Whether a statement goes on with a run, which takes it in then. The second one says how far apart
   they are. */
static int joins(Run *run, const Statement *s)
{
    int64_t n = run->count;
    if (n == 1) {
        for (int k = 0; k < 4; k++)
            run->step[k] = s->of[k].index - run->first[k];
        run->to_step = run->place == OUTPUT ? s->output - run->to : 1;
    }
    for (int k = 0; k < 4; k++)
        if (s->of[k].index != run->first[k] + n * run->step[k])
            return 0;
    if (run->place == OUTPUT && s->output != run->to + n * run->to_step)
        return 0;
    run->count++;
    return 1;
}

/* Put a statement into a run and say where its result lies; 0, or -1 without memory. */
static int add_statement(Plan *plan, const Statement *s, Spot *result)
{
    int32_t *latest = plan->latest + (hash_of(s) & (plan->latests - 1));
    Run *run = *latest ? plan->run + *latest : NULL;
    if (!run || !is_alike(run, s) || !joins(run, s)) {
        if (enlarged((void **)&plan->run, &plan->room, plan->runs + 1, sizeof(Run)) < 0)
            return -1;
        *latest = (int32_t)plan->runs++;
        run = plan->run + *latest;
        memset(run, 0, sizeof(Run));
        run->kind = s->kind;
        run->operation = s->operation;
        run->place = s->place;
        run->count = 1;
        run->inner = s->inner;
        for (int k = 0; k < 4; k++) {
            run->run[k] = s->of[k].run;
            run->first[k] = s->of[k].index;
        }
        memcpy(run->term, s->term, sizeof(run->term));
        run->to = s->output;
        run->to_step = 1;
        run->last = run->gone = run->next = NEVER;
    }
    *result = (Spot){*latest, run->count - 1};
    return 0;
}

static const Spot NOWHERE = {-1, 0};

static int spot_varies(const Plan *plan, Spot spot)
{
    return spot.run == INPUTS || (spot.run >= RESULTS_FROM && plan->run[spot.run].place != SHARED);
}

/* ---- Sums: chains of additions, sums of products. ----------------------------------------------- */

static int add_term(Plan *plan, uint8_t kind, Spot a, Spot b, Spot d)
{
    if (enlarged((void **)&plan->term, &plan->term_room, plan->terms + 1, sizeof(Term)) < 0)
        return -1;
    plan->term[plan->terms++] = (Term){kind, {a, b, d}};
    return 0;
}

/* A product, of which what all points have in common comes first. */
static int add_product(Plan *plan, Spot a, Spot b)
{
    int turned = spot_varies(plan, a) && !spot_varies(plan, b);
    return add_term(plan, DOT, turned ? b : a, turned ? a : b, NOWHERE);
}

/* What a condition lets through, which is a product in the end. */
static int add_routed(Plan *plan, const int32_t *selected)
{
    const Lowered *given = plan->given;
    Spot a = plan->spot[selected[0]], b = plan->spot[selected[1]], d = plan->one;
    if (plan->is_part[selected[1]]) {
        int32_t count;
        const int32_t *of = operands_of(given, selected[1] - first_of(given), &count);
        b = plan->spot[of[0]];
        d = plan->spot[of[1]];
    }
    int turned = spot_varies(plan, b) && !spot_varies(plan, d);
    return add_term(plan, ROUTED, a, turned ? d : b, turned ? b : d);
}

/* How many terms from the first one on lie at even distances. */
static int32_t even_terms(const Term *first, size_t most, int32_t step[3])
{
    size_t n = 1;
    for (; n < most && n < INT32_MAX; n++) {
        const Term *t = first + n;
        int32_t away[3], is_even = t->kind == first->kind;
        for (int k = 0; k < 3; k++) {
            away[k] = t->of[k].index - t[-1].of[k].index;
            is_even &= t->of[k].run == first->of[k].run && (n == 1 || away[k] == step[k]);
        }
        if (!is_even)
            break;
        memcpy(step, away, sizeof(away));
    }
    return (int32_t)n;
}

/* A head and the terms that are added to it one after the other. */
static int add_sum(Plan *plan, Spot head, uint8_t place, int32_t output, Spot *result)
{
    size_t done = 0;
    *result = head;
    do {
        const Term *t = plan->term + done;
        Statement s = {SUM, 0, SHARED, 0, {0, 0, 0}, 0, {NOWHERE, NOWHERE, *result, NOWHERE}};
        if (done < plan->terms) {
            s.inner = even_terms(t, plan->terms - done, s.term);
            s.kind = t->kind;
            s.of[0] = t->of[0];
            s.of[1] = t->of[1];
            s.of[3] = t->of[2];
            done += (size_t)s.inner;
        }
        if (s.kind == SUM && s.inner == 1) {
            s.kind = ADD;
            s.of[1] = s.of[2];
            s.of[2] = NOWHERE;
            s.term[0] = 0;
            if (spot_varies(plan, s.of[0]) && !spot_varies(plan, s.of[1])) {
                s.of[0] = s.of[1];
                s.of[1] = t->of[0];
            }
        }
        for (int k = 0; k < 4; k++)
            if (spot_varies(plan, s.of[k]))
                s.place = LANES;
        if (done == plan->terms) {
            s.place = place;
            s.output = output;
        }
        if (add_statement(plan, &s, result) < 0)
            return -1;
    } while (done < plan->terms);
    return 0;
}

/* The terms of a weighted sum. A product that no point has a share in is one for all. */
static int add_products(Plan *plan, const int32_t *o, int32_t count, uint8_t place)
{
    for (int32_t k = 0; k < count; k++) {
        Spot a = plan->spot[o[k]], b = plan->spot[o[k + count]];
        if (place != SHARED && !spot_varies(plan, a) && !spot_varies(plan, b)) {
            Statement s = {MUL, 0, SHARED, 1, {0, 0, 0}, 0, {a, b, NOWHERE, NOWHERE}};
            if (add_statement(plan, &s, &a) < 0 || add_term(plan, SUM, a, NOWHERE, NOWHERE) < 0)
                return -1;
        } else if (add_product(plan, a, b) < 0)
            return -1;
    }
    return 0;
}

/* The terms of a chain of additions that ends in one, the last of them first; and what they are
   added to. */
static int add_chain(Plan *plan, int32_t i, Spot *head)
{
    const Lowered *given = plan->given;
    int32_t first = first_of(given), count;
    for (;;) {
        const int32_t *o = operands_of(given, i, &count);
        int term = term_of(plan, i);
        int32_t added = o[term], to = o[1 - term];
        if (plan->is_part[added]) {
            const int32_t *of = operands_of(given, added - first, &count);
            if (count == 3 ? add_routed(plan, of)
                           : add_product(plan, plan->spot[of[0]], plan->spot[of[1]]))
                return -1;
        } else if (add_term(plan, SUM, plan->spot[added], NOWHERE, NOWHERE) < 0)
            return -1;
        if (!plan->is_part[to]) {
            *head = plan->spot[to];
            return 0;
        }
        i = to - first;
    }
}

static void turn_terms(Plan *plan)
{
    for (size_t i = 0, j = plan->terms; i + 1 < j; i++) {
        Term t = plan->term[i];
        plan->term[i] = plan->term[--j];
        plan->term[j] = t;
    }
}

/* ---- The plan. --------------------------------------------------------------------------------- */

static int add_instruction(Plan *plan, int32_t i)
{
    const Lowered *given = plan->given;
    int32_t r = first_of(given) + i, count;
    const int32_t *o = operands_of(given, i, &count);
    const Operation *operation = operation_of(given, i);
    int goes_out = plan->varies[r] && plan->user[r] == AN_OUTPUT;
    uint8_t place = goes_out ? OUTPUT : plan->varies[r] ? LANES : SHARED;
    int32_t output = goes_out ? plan->output[r] : 0;
    Spot head = plan->zero;
    plan->terms = 0;
    switch (operation->kind) {
    case ADD:
        if (add_chain(plan, i, &head) < 0)
            return -1;
        turn_terms(plan);
        return add_sum(plan, head, place, output, plan->spot + r);
    case SUM:
        for (int32_t k = 0; k < count; k++)
            if (add_term(plan, SUM, plan->spot[o[k]], NOWHERE, NOWHERE) < 0)
                return -1;
        return add_sum(plan, head, place, output, plan->spot + r);
    case DOT:
        if (add_products(plan, o + 1, count / 2, place) < 0)
            return -1;
        return add_sum(plan, plan->spot[o[0]], place, output, plan->spot + r);
    default: break;
    }
    Statement s = {(uint8_t)operation->kind, (uint8_t)(operation - OPERATIONS), place, 1, {0, 0, 0},
                   output, {NOWHERE, NOWHERE, NOWHERE, NOWHERE}};
    for (int32_t k = 0; k < count; k++)
        s.of[k] = plan->spot[o[k]];
    if (s.kind == SELECT && plan->is_part[o[1]]) {
        const int32_t *of = operands_of(given, o[1] - first_of(given), &count);
        s.kind = GATED;
        s.of[1] = plan->spot[of[0]];
        s.of[3] = plan->spot[of[1]];
    }
    if (s.kind == MUL && spot_varies(plan, s.of[0]) && !spot_varies(plan, s.of[1])) {
        s.of[0] = plan->spot[o[1]];
        s.of[1] = plan->spot[o[0]];
    }
    return add_statement(plan, &s, plan->spot + r);
}

static void free_plan(Plan *plan)
{
    free(plan->user);
    free(plan->output);
    free(plan->varies);
    free(plan->kind);
    free(plan->is_part);
    free(plan->spot);
    free(plan->run);
    free(plan->latest);
    free(plan->term);
}

static void add_given(Plan *plan)
{
    const Lowered *given = plan->given;
    const int32_t counts[] = {given->constants + 2, given->parameters, given->inputs};
    int32_t r = 0;
    for (int32_t run = INPUTS; run >= CONSTANTS; run--) {
        memset(plan->run + run, 0, sizeof(Run));
        for (int k = 0; k < 4; k++)
            plan->run[run].run[k] = -1;
        plan->run[run].count = counts[run];
        plan->run[run].place = run == INPUTS ? LANES : SHARED;
        plan->run[run].last = plan->run[run].gone = plan->run[run].next = NEVER;
        for (int32_t k = 0; k < counts[run] && r < first_of(given); k++)
            plan->spot[r++] = (Spot){run, k};
    }
    plan->runs = RESULTS_FROM;
    plan->zero = (Spot){CONSTANTS, given->constants};
    plan->one = (Spot){CONSTANTS, given->constants + 1};
}

static int make_plan(Plan *plan, const Lowered *given)
{
    size_t registers = (size_t)first_of(given) + (size_t)given->instructions + 1;
    plan->given = given;
    plan->room = 64;
    plan->latests = 256;
    while (plan->latests < (size_t)given->instructions && plan->latests < 1 << 18)
        plan->latests *= 2;
    plan->user = malloc(registers * sizeof(int32_t));
    plan->output = malloc(registers * sizeof(int32_t));
    plan->varies = malloc(registers);
    plan->kind = malloc(registers);
    plan->is_part = malloc(registers);
    plan->spot = malloc(registers * sizeof(Spot));
    plan->run = malloc(plan->room * sizeof(Run));
    plan->latest = calloc(plan->latests, sizeof(int32_t));
    if (!plan->user || !plan->output || !plan->varies || !plan->kind || !plan->is_part ||
        !plan->spot || !plan->run || !plan->latest) {
        PyErr_NoMemory();
        return -1;
    }
    find_users(plan);
    add_given(plan);
    int32_t first = first_of(given);
    for (int32_t r = 0; r < first + given->instructions; r++)
        plan->is_part[r] = (uint8_t)becomes_part(plan, r);
    for (int32_t i = 0; i < given->instructions; i++)
        if (plan->user[first + i] != NOBODY && !plan->is_part[first + i] &&
            add_instruction(plan, i) < 0)
            return -1;
    return 0;
}

/* ---- Memory: shared out by how long each run is needed. ---------------------------------------- */

typedef struct {
    int32_t at, size, next;
} Gap;

typedef struct {
    Gap *gap;
    size_t gaps, room;
    int32_t of_size[32]; /* the latest gap of a size from 2**k on, one more than its place */
    int64_t end;         /* how many numbers there are room for so far */
} Memory;

static int size_class(int32_t size)
{
    int k = 0;
    while (size >>= 1)
        k++;
    return k;
}

static int give_up(Memory *memory, int32_t at, int32_t size)
{
    if (size <= 0)
        return 0;
    if (enlarged((void **)&memory->gap, &memory->room, memory->gaps + 1, sizeof(Gap)) < 0)
        return -1;
    int k = size_class(size);
    memory->gap[memory->gaps] = (Gap){at, size, memory->of_size[k]};
    memory->of_size[k] = (int32_t)++memory->gaps;
    return 0;
}

static int are_too_many(int64_t numbers)
{
    if (numbers <= INT32_MAX)
        return 0;
    PyErr_SetString(PyExc_OverflowError, "a program for C works with at most 2**31 numbers");
    return -1;
}

/* Room for so many numbers, in a gap of their size or a greater one, or at the end. */
static int take_room(Memory *memory, int32_t size, int32_t *at)
{
    *at = 0;
    if (size == 0)
        return 0;
    for (int k = size_class(size); k < 32; k++) {
        int32_t found = memory->of_size[k];
        if (!found || memory->gap[found - 1].size < size)
            continue;
        Gap gap = memory->gap[found - 1];
        memory->of_size[k] = gap.next;
        *at = gap.at;
        return give_up(memory, gap.at + size, gap.size - size);
    }
    if (are_too_many(memory->end + size))
        return -1;
    *at = (int32_t)memory->end;
    memory->end += size;
    return 0;
}

static int is_only_an_output(const Plan *plan, int32_t r)
{
    int32_t run = plan->spot[r].run;
    return run >= RESULTS_FROM && plan->run[run].place == OUTPUT;
}

static void find_last_users(Plan *plan)
{
    Run *runs = plan->run;
    for (int32_t r = RESULTS_FROM; r < (int32_t)plan->runs; r++)
        for (int k = 0; k < 4; k++) {
            int32_t of = runs[r].run[k];
            if (of >= 0)
                runs[of].last = runs[of].place == SHARED && runs[r].place != SHARED ? ALWAYS
                                : runs[of].last == ALWAYS                          ? ALWAYS
                                                                                   : r;
        }
    for (int32_t k = 0; k < plan->given->outputs; k++)
        if (!is_only_an_output(plan, plan->given->output[k]))
            runs[plan->spot[plan->given->output[k]].run].last = ALWAYS;
    runs[PARAMETERS].last = runs[CONSTANTS].last = ALWAYS;
    for (int32_t r = 0; r < (int32_t)plan->runs; r++)
        if (runs[r].last != ALWAYS && runs[r].last != NEVER) {
            runs[r].next = runs[runs[r].last].gone;
            runs[runs[r].last].gone = r;
        }
}

/* Share out the memory of what all points have in common, or of the rest: that of a run is free again
   after the last run that needs it. */
static int share_out(Plan *plan, int of_shared, int32_t *size)
{
    Memory memory = {0};
    Run *runs = plan->run;
    int done = 0;
    for (int32_t r = 0; !done && r < (int32_t)plan->runs; r++) {
        if ((runs[r].place == SHARED) != of_shared)
            continue;
        if (runs[r].place != OUTPUT)
            done = take_room(&memory, runs[r].count, &runs[r].at);
        for (int32_t gone = runs[r].gone; !done && gone != NEVER; gone = runs[gone].next)
            done = give_up(&memory, runs[gone].at, runs[gone].count);
    }
    *size = (int32_t)memory.end;
    free(memory.gap);
    return done;
}

/* ---- A program in C, ready to run. -------------------------------------------------------------- */

typedef struct {
    int32_t output, place;
} Copy; /* an output that is computed for others, too, or given */

typedef struct {
    PyObject_HEAD
    int32_t inputs, parameters, constants, outputs;
    int32_t shared, lanes;  /* how much memory there is for what all points share, and for the rest */
    size_t runs, copies;
    size_t once, each;      /* words of the program for a call, and for each point after them */
    int64_t operations;     /* of a point, about */
    double *number;         /* constants */
    int32_t *word;
    Copy *copy;
} Runs;

static PyTypeObject *RunsType;

static inline int32_t place_of(const Plan *plan, const Runs *self, Spot spot)
{
    int32_t at = plan->run[spot.run].at + spot.index;
    return spot_varies(plan, spot) ? self->shared + at : at;
}

/* How many instructions a run is written as: a few results are sooner computed one by one. */
static inline int32_t singles_of(const Run *run)
{
    return run->count <= FEW && run->inner == 1 && run->kind != SUM ? run->count : 0;
}

/* One result of a run, as an instruction; the first one serves for many. */
static int32_t *written(const Plan *plan, const Runs *self, const Run *run, int32_t i, int32_t *w)
{
    w[HEAD] = run->kind | run->operation << 8;
    if (run->place == OUTPUT) {
        w[HEAD] |= TO_OUTPUT;
        w[TO] = run->to + i * run->to_step;
    } else
        w[TO] = run->at + i + (run->place == LANES ? self->shared : 0);
    for (int k = 0; k < 4; k++) {
        Spot spot = {run->run[k], run->first[k] + (i ? i * run->step[k] : 0)};
        w[A + k] = spot.run < 0 ? 0 : place_of(plan, self, spot);
    }
    return w + OF_SINGLE;
}

static int32_t *written_as_many(const Plan *plan, const Runs *self, const Run *run, int32_t *w)
{
    written(plan, self, run, 0, w);
    w[HEAD] |= MANY;
    w[COUNT] = run->count;
    w[INNER] = run->inner;
    w[TO_STEP] = run->to_step;
    for (int k = 0; k < 4; k++)
        w[A_STEP + k] = run->count > 1 ? run->step[k] : 0;
    memcpy(w + A_TERM, run->term, sizeof(run->term));
    return w + OF_MANY;
}

/* Write the runs of a plan as instructions: first those for a call, then those for each point. */
static int write_words(const Plan *plan, Runs *self)
{
    size_t words = 0;
    for (size_t r = RESULTS_FROM; r < plan->runs; r++) {
        int32_t singles = singles_of(plan->run + r);
        words += singles ? (size_t)singles * OF_SINGLE : OF_MANY;
    }
    self->word = calloc(words + OF_MANY, sizeof(int32_t));
    if (!self->word) {
        PyErr_NoMemory();
        return -1;
    }
    int32_t *w = self->word;
    for (int varies = 0; varies < 2; varies++) {
        for (size_t r = RESULTS_FROM; r < plan->runs; r++) {
            const Run *run = plan->run + r;
            if ((run->place != SHARED) != varies)
                continue;
            int32_t singles = singles_of(run);
            for (int32_t i = 0; i < singles; i++)
                w = written(plan, self, run, i, w);
            if (!singles)
                w = written_as_many(plan, self, run, w);
            self->operations += (int64_t)run->count * (run->inner + 1);
        }
        if (!varies)
            self->once = (size_t)(w - self->word);
    }
    self->each = words - self->once;
    return 0;
}

static int write_copies(const Plan *plan, Runs *self)
{
    const Lowered *given = plan->given;
    self->copy = malloc(((size_t)given->outputs + 1) * sizeof(Copy));
    if (!self->copy) {
        PyErr_NoMemory();
        return -1;
    }
    for (int32_t k = 0; k < given->outputs; k++)
        if (!is_only_an_output(plan, given->output[k]))
            self->copy[self->copies++] =
                (Copy){k, place_of(plan, self, plan->spot[given->output[k]])};
    Copy *fewer = realloc(self->copy, (self->copies + 1) * sizeof(Copy));
    self->copy = fewer ? fewer : self->copy;
    return 0;
}

/* Constants, the zero that sums begin with, and the one that makes a product of a number. */
static int keep_constants(const Lowered *given, Runs *self)
{
    self->constants = given->constants + 2;
    self->number = malloc((size_t)self->constants * sizeof(double));
    if (!self->number) {
        PyErr_NoMemory();
        return -1;
    }
    if (given->constants)
        memcpy(self->number, given->number, (size_t)given->constants * sizeof(double));
    self->number[given->constants] = 0.0;
    self->number[given->constants + 1] = 1.0;
    return 0;
}

static PyObject *runs_of(const Lowered *given, int unused)
{
    Plan plan = {0};
    Runs *self = PyObject_New(Runs, RunsType);
    if (!self)
        return NULL;
    memset(&self->inputs, 0, sizeof(Runs) - offsetof(Runs, inputs));
    self->inputs = given->inputs;
    self->parameters = given->parameters;
    self->outputs = given->outputs;
    int done = make_plan(&plan, given);
    if (!done) {
        self->runs = plan.runs - RESULTS_FROM;
        find_last_users(&plan);
        done = share_out(&plan, 1, &self->shared) || share_out(&plan, 0, &self->lanes) ||
               are_too_many((int64_t)self->shared + self->lanes) || write_words(&plan, self) || write_copies(&plan, self) || keep_constants(given, self);
    }
    free_plan(&plan);
    if (done)
        Py_CLEAR(self);
    return (PyObject *)self;
}

/* ---- What is given is looked at here once more: nothing outside the arrays is read. ------------- */

static int refuse_program(const char *reason)
{
    PyErr_Format(PyExc_ValueError, "not a program that C can run: %s", reason);
    return -1;
}

static int check_program(const Lowered *given, size_t operands)
{
    int64_t registers = (int64_t)given->inputs + given->parameters + given->constants;
    if (given->inputs < 0 || given->parameters < 0 ||
        registers + given->instructions >= INT32_MAX || operands >= INT32_MAX)
        return refuse_program("its size");
    if (given->start[0] != 0 || given->start[given->instructions] != (int32_t)operands)
        return refuse_program("where its operands begin and end");
    for (int32_t i = 0; i < given->instructions; i++, registers++) {
        int64_t count = (int64_t)given->start[i + 1] - given->start[i];
        if (count < 0 || given->start[i + 1] > (int32_t)operands)
            return refuse_program("where operands begin");
        if (given->code[i] < 0 || given->code[i] >= given->operations ||
            !takes_so_many(operation_of(given, i)->kind, count))
            return refuse_program("an instruction");
        for (int64_t k = 0; k < count; k++) {
            int32_t operand = given->operand[given->start[i] + k];
            if (operand < 0 || operand >= registers)
                return refuse_program("an operand");
        }
    }
    for (int32_t k = 0; k < given->outputs; k++)
        if (given->output[k] < 0 || given->output[k] >= registers)
            return refuse_program("an output");
    return 0;
}

static int operations_from(PyObject *list, Lowered *given)
{
    given->operations = (int32_t)PyList_Size(list);
    given->operation = malloc((size_t)given->operations + 1);
    if (!given->operation) {
        PyErr_NoMemory();
        return -1;
    }
    for (int32_t i = 0; i < given->operations; i++) {
        long place = PyLong_AsLong(PyList_GetItem(list, i));
        if (PyErr_Occurred())
            return -1;
        if (place < 0 || place >= OPERATION_COUNT)
            return refuse_program("an operation");
        given->operation[i] = (int8_t)place;
    }
    return 0;
}

/* An array of numbers of so many bytes, and how many they are; -1 with an exception. */
static int numbers_in(PyObject *array, Py_buffer *buffer, const char *formats, Py_ssize_t size,
                      int32_t *count)
{
    if (PyObject_GetBuffer(array, buffer, PyBUF_FORMAT) < 0)
        return -1;
    const char *format = buffer->format;
    if (buffer->itemsize != size || !format || !format[0] || format[1] ||
        !strchr(formats, format[0]) || buffer->len / size >= INT32_MAX) {
        PyBuffer_Release(buffer);
        return refuse_program("the kind or the length of an array");
    }
    *count = (int32_t)(buffer->len / size);
    return 0;
}

/* What is made of a program: its inputs, parameters, operations, constants, codes, starts, operands
   and outputs, and a number more for those who take one. */
static PyObject *with_program(PyObject *args, PyObject *(*made)(const Lowered *, int))
{
    enum { ARRAYS = 5 };
    int number = 0;
    Lowered given = {0};
    PyObject *operations, *array[ARRAYS], *found = NULL;
    Py_buffer buffer[ARRAYS];
    int32_t count[ARRAYS];
    int taken = 0;
    if (!PyArg_ParseTuple(args, "iiO!OOOOO|i", &given.inputs, &given.parameters, &PyList_Type,
                          &operations, array, array + 1, array + 2, array + 3, array + 4, &number))
        return NULL;
    for (; taken < ARRAYS; taken++)
        if (numbers_in(array[taken], buffer + taken, taken ? "il" : "d", taken ? 4 : 8,
                       count + taken) < 0)
            break;
    if (taken == ARRAYS && operations_from(operations, &given) == 0) {
        given.number = buffer[0].buf;
        given.code = buffer[1].buf;
        given.start = buffer[2].buf;
        given.operand = buffer[3].buf;
        given.output = buffer[4].buf;
        given.constants = count[0];
        given.instructions = count[1];
        given.outputs = count[4];
        if (count[2] != count[1] + 1)
            refuse_program("where its operands begin and end");
        else if (check_program(&given, (size_t)count[3]) == 0)
            found = made(&given, number);
    }
    free(given.operation);
    while (taken--)
        PyBuffer_Release(buffer + taken);
    return found;
}

static PyObject *heart_runs(PyObject *module, PyObject *args)
{
    return with_program(args, runs_of);
}

/* ---- Running it, as kernels of entries: see calls.c. -------------------------------------------- */

/* What the points of a call have in common: shared begins with the constants. */
static void run_once(const Runs *self, double *shared, const double *parameters)
{
    if (self->parameters)
        memcpy(shared + self->constants, parameters, (size_t)self->parameters * sizeof(double));
    run_one(self->word, self->word + self->once, shared, NULL);
}

static void run_point(const Runs *self, const double *point, double *numbers, double *outputs)
{
    const int32_t *each = self->word + self->once;
    if (self->inputs)
        memcpy(numbers + self->shared, point, (size_t)self->inputs * sizeof(double));
    run_one(each, each + self->each, numbers, outputs);
    for (size_t i = 0; i < self->copies; i++)
        outputs[self->copy[i].output] = numbers[self->copy[i].place];
}

static void values_of_points(int64_t count, const double *points, const double *parameters,
                             double *numbers, double *scratch, double *outputs, const void *program)
{
    const Runs *self = program;
    run_once(self, numbers, parameters);
    for (; count > 0; count--, points += self->inputs, outputs += self->outputs)
        run_point(self, points, numbers, outputs);
}

static void sums_of_points(int64_t count, const double *points, const double *parameters,
                           double *numbers, double *scratch, double *outputs, const void *program)
{
    const Runs *self = program;
    values_of_points(count > 1 ? 1 : count, points, parameters, numbers, scratch, outputs, program);
    for (int32_t k = 0; k < self->outputs; k++)
        outputs[k] = 0.0 + outputs[k]; /* a sum begins with 0 */
}

/* Bring points into lanes; lanes beyond the last point repeat it. */
static void load_points(const Runs *self, const double *points, const Block *block)
{
    for (int l = 0; l < BLOCK; l++) {
        size_t row = (size_t)(l < block->valid ? l : block->valid - 1) * (size_t)self->inputs;
        for (int32_t i = 0; i < self->inputs; i++)
            block->lanes[(size_t)i * BLOCK + (size_t)l] = points[row + (size_t)i];
    }
}

/* How many outputs from one on are copied, up to TOGETHER, and lie side by side. */
static size_t copies_together(const Runs *self, size_t i)
{
    size_t n = 1;
    while (n < TOGETHER && i + n < self->copies &&
           self->copy[i + n].output == self->copy[i].output + (int32_t)n)
        n++;
    return n;
}

static void copy_outputs(const Runs *self, const Block *block)
{
    double room[TOGETHER][BLOCK];
    for (size_t i = 0, n; i < self->copies; i += n) {
        ptrdiff_t output = self->copy[i].output;
        n = copies_together(self, i);
        for (size_t h = 0; h < n; h++) {
            ptrdiff_t from = self->copy[i + h].place;
            double *to = block->summed ? room[h] : block->given + (output + (ptrdiff_t)h) * BLOCK;
            for (int l = 0; l < BLOCK; l++)
                to[l] = from < block->first ? block->shared[from]
                                            : block->lanes[(from - block->first) * BLOCK + l];
        }
        if (block->summed)
            settle_anywhere(block, output, 1, (int)n, room);
    }
}

static void run_blocks(int64_t count, const double *points, const double *parameters,
                       double *shared, double *scratch, double *outputs, const Runs *self,
                       int summed)
{
    const int32_t *each = self->word + self->once;
    double *given = scratch + (size_t)self->lanes * BLOCK;
    Block block = {shared, self->shared, scratch, given, outputs, 0, summed};
    run_once(self, shared, parameters);
    for (; count > 0; count -= BLOCK, points += (size_t)self->inputs * BLOCK) {
        block.valid = count < BLOCK ? (int)count : BLOCK;
        load_points(self, points, &block);
        run_block(each, each + self->each, &block);
        copy_outputs(self, &block);
        for (int l = 0; !summed && l < block.valid; l++, outputs += self->outputs)
            for (int32_t k = 0; k < self->outputs; k++)
                outputs[k] = given[(size_t)k * BLOCK + (size_t)l];
    }
}

static void values_of_blocks(int64_t count, const double *points, const double *parameters,
                             double *shared, double *scratch, double *outputs, const void *program)
{
    run_blocks(count, points, parameters, shared, scratch, outputs, program, 0);
}

static void sums_of_blocks(int64_t count, const double *points, const double *parameters,
                           double *shared, double *scratch, double *outputs, const void *program)
{
    const Runs *self = program;
    for (int32_t k = 0; k < self->outputs; k++)
        outputs[k] = 0.0;
    run_blocks(count, points, parameters, shared, scratch, outputs, self, 1);
}

/* entry(many, summed): the way in for one point or many, their outputs given or summed. */
static PyObject *runs_entry(PyObject *object, PyObject *args)
{
    Runs *self = (Runs *)object;
    int many, summed;
    if (!PyArg_ParseTuple(args, "pp", &many, &summed))
        return NULL;
    static const Kernel kernels[2][2] = {{values_of_points, sums_of_points},
                                         {values_of_blocks, sums_of_blocks}};
    Sizes sizes = {self->inputs, self->parameters, self->outputs, self->shared, 0,
                   (Py_ssize_t)self->operations, summed};
    if (many)
        sizes.scratch = ((Py_ssize_t)self->lanes + self->outputs) * BLOCK;
    else
        sizes.shared += self->lanes;
    return (PyObject *)make_entry(kernels[many][summed], self, object, &sizes, self->number,
                                  self->constants);
}

/* about() -> runs; numbers in memory that all points share, and others; bytes of all this */
static PyObject *runs_about(PyObject *object, PyObject *unused)
{
    const Runs *self = (const Runs *)object;
    size_t bytes = sizeof(Runs) + (self->once + self->each + OF_MANY) * sizeof(int32_t) +
                   self->copies * sizeof(Copy) + (size_t)self->constants * sizeof(double);
    return Py_BuildValue("niin", (Py_ssize_t)self->runs, (int)self->shared, (int)self->lanes,
                         (Py_ssize_t)bytes);
}

static void runs_dealloc(PyObject *object)
{
    Runs *self = (Runs *)object;
    PyTypeObject *type = Py_TYPE(object);
    free(self->number);
    free(self->word);
    free(self->copy);
    PyObject_Free(object);
    Py_DECREF((PyObject *)type);
}

static PyMethodDef runs_methods[] = {{"entry", runs_entry, METH_VARARGS, NULL},
                                     {"about", runs_about, METH_NOARGS, NULL},
                                     {0}};
static PyType_Slot runs_slots[] = {
    {Py_tp_dealloc, runs_dealloc}, {Py_tp_methods, runs_methods}, {0, NULL}};
static PyType_Spec runs_spec = {"micrograd_plus.heart.Runs", sizeof(Runs), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, runs_slots};
