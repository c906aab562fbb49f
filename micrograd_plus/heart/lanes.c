/* Runs, run: for one point, and for a block of sixteen. Included once for each instruction set, with
 * TARGET, what the compiler is told of it; NAME, what its functions are called; and WIDTH, how many
 * numbers are in one of its vectors.
 *
 * The loops are plain ones, which compilers turn into vectors. Only sums hold vectors of their own:
 * several results side by side, each added from its first term to its last.
 */

#ifdef VECTORS
typedef double NAME(Vector) __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));
typedef int64_t NAME(Mask) __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));
#define CHOSEN(condition, x, y) \
    ((Vector)(((Mask)(condition) & (Mask)(x)) | (~(Mask)(condition) & (Mask)(y))))
#else
typedef double NAME(Vector);
typedef int NAME(Mask);
#define CHOSEN(condition, x, y) ((condition) ? (x) : (y))
#endif
#define Vector NAME(Vector)
#define Mask NAME(Mask)
#define AT(place) (*(const Vector *)(place))
#define PUT(place, vector) (*(Vector *)(place) = (vector))
#if WIDTH == 8
#define SPREAD(x) ((Vector){x, x, x, x, x, x, x, x})
#elif WIDTH == 4
#define SPREAD(x) ((Vector){x, x, x, x})
#elif WIDTH == 2
#define SPREAD(x) ((Vector){x, x})
#else
#define SPREAD(x) (x)
#endif
#define EACH ALONE for (ptrdiff_t j = 0; j < count; j++)

/* ---- One point: every number is alone, and the vectors are numbers that lie side by side. ------- */

/* head + sum of terms, for results side by side whose terms are too, in one factor or both. */
TARGET static void NAME(sum_beside)(const Terms *s, double *to, const double *a, const double *b,
                                    const double *c)
{
    ptrdiff_t j = 0;
    for (; j + 4 * WIDTH <= s->count; j += 4 * WIDTH) {
        Vector t0, t1, t2, t3;
        if (s->c_step) {
            t0 = AT(c + j), t1 = AT(c + j + WIDTH);
            t2 = AT(c + j + 2 * WIDTH), t3 = AT(c + j + 3 * WIDTH);
        } else
            t0 = t1 = t2 = t3 = SPREAD(*c);
        for (ptrdiff_t k = 0; k < s->inner; k++) {
            const double *x = a + k * s->a_term + j, y = b[k * s->b_term];
            t0 += AT(x) * SPREAD(y);
            t1 += AT(x + WIDTH) * SPREAD(y);
            t2 += AT(x + 2 * WIDTH) * SPREAD(y);
            t3 += AT(x + 3 * WIDTH) * SPREAD(y);
        }
        PUT(to + j, t0);
        PUT(to + j + WIDTH, t1);
        PUT(to + j + 2 * WIDTH, t2);
        PUT(to + j + 3 * WIDTH, t3);
    }
    for (; j < s->count; j++) {
        double t = c[j * s->c_step];
        for (ptrdiff_t k = 0; k < s->inner; k++)
            t += a[k * s->a_term + j] * b[k * s->b_term];
        to[j] = t;
    }
}

/* The same, wherever they lie: eight results at a time, so that additions need not wait. */
TARGET static void NAME(sum_anywhere)(const Terms *s, double *to, const double *a, const double *b,
                                      const double *c)
{
    ptrdiff_t j = 0, p = s->a_step, q = s->b_step;
    for (; j + 8 <= s->count; j += 8) {
        double t0 = c[j * s->c_step], t1 = c[(j + 1) * s->c_step], t2 = c[(j + 2) * s->c_step],
               t3 = c[(j + 3) * s->c_step], t4 = c[(j + 4) * s->c_step],
               t5 = c[(j + 5) * s->c_step], t6 = c[(j + 6) * s->c_step],
               t7 = c[(j + 7) * s->c_step];
        for (ptrdiff_t k = 0; k < s->inner; k++) {
            const double *x = a + j * p + k * s->a_term, *y = b + j * q + k * s->b_term;
            t0 += x[0] * y[0];
            t1 += x[p] * y[q];
            t2 += x[2 * p] * y[2 * q];
            t3 += x[3 * p] * y[3 * q];
            t4 += x[4 * p] * y[4 * q];
            t5 += x[5 * p] * y[5 * q];
            t6 += x[6 * p] * y[6 * q];
            t7 += x[7 * p] * y[7 * q];
        }
        const double found[8] = {t0, t1, t2, t3, t4, t5, t6, t7};
        for (int h = 0; h < 8; h++)
            to[(j + h) * s->to_step] = found[h];
    }
    for (; j < s->count; j++) {
        double t = c[j * s->c_step];
        for (ptrdiff_t k = 0; k < s->inner; k++)
            t += a[j * p + k * s->a_term] * b[j * q + k * s->b_term];
        to[j * s->to_step] = t;
    }
}

/* head + one product, for each result. */
TARGET static void NAME(add_products)(const Terms *s, double *to, const double *a, const double *b,
                                      const double *c)
{
    const ptrdiff_t count = s->count, p = s->a_step, q = s->b_step, r = s->c_step;
    if (s->to_step == 1 && p == 0 && q == 1 && r == 1) {
        const double x = *a;
        EACH to[j] = c[j] + x * b[j];
    } else if (s->to_step == 1 && p == 1 && q == 1 && r == 1)
        EACH to[j] = c[j] + a[j] * b[j];
    else
        EACH to[j * s->to_step] = c[j * r] + a[j * p] * b[j * q];
}

/* head + products that a condition lets through: side by side under one condition, or anywhere. */
TARGET static void NAME(route_one)(const Terms *s, double *to, const double *a, const double *b,
                                   const double *c, const double *d)
{
    const ptrdiff_t count = s->count;
    if (s->a_step == 0 && s->to_step == 1) {
        EACH to[j] = c[j * s->c_step];
        for (ptrdiff_t k = 0; k < s->inner; k++, a += s->a_term, b += s->b_term, d += s->d_term) {
            if (*a == 0.0)
                continue;
            const double y = *d;
            if (s->b_step == 1 && s->d_step == 0)
                EACH to[j] += b[j] * y;
            else
                EACH to[j] += b[j * s->b_step] * d[j * s->d_step];
        }
        return;
    }
    for (ptrdiff_t j = 0; j < count; j++) {
        const double *of[] = {a + j * s->a_step, b + j * s->b_step, d + j * s->d_step};
        double t = c[j * s->c_step];
        for (ptrdiff_t k = 0; k < s->inner; k++)
            if (of[0][k * s->a_term] != 0.0)
                t += of[1][k * s->b_term] * of[2][k * s->d_term];
        to[j * s->to_step] = t;
    }
}

TARGET static void NAME(sum_one)(const Terms *s, double *to, const double *a, const double *b,
                                 const double *c)
{
    int beside = s->to_step == 1 && (s->c_step == 1 || s->c_step == 0) && s->count >= 4;
    if (s->inner == 1)
        NAME(add_products)(s, to, a, b, c);
    else if (beside && s->a_step == 1 && s->b_step == 0)
        NAME(sum_beside)(s, to, a, b, c);
    else if (beside && s->a_step == 0 && s->b_step == 1) {
        Terms turned = *s;
        turned.a_term = s->b_term;
        turned.b_term = s->a_term;
        NAME(sum_beside)(&turned, to, b, a, c);
    } else
        NAME(sum_anywhere)(s, to, a, b, c);
}

/* Products that are selected; mostly by one number, and with one factor in common. */
TARGET static void NAME(gate_one)(const Terms *s, double *to, const double *a, const double *b,
                                  const double *c, const double *d)
{
    const ptrdiff_t count = s->count;
    if (s->a_step)
        EACH to[j * s->to_step] = a[j * s->a_step] != 0.0
                                      ? b[j * s->b_step] * d[j * s->d_step]
                                      : c[j * s->c_step];
    else if (*a == 0.0)
        EACH to[j * s->to_step] = c[j * s->c_step];
    else if (s->to_step == 1 && s->b_step == 0 && s->d_step == 1) {
        const double x = *b;
        EACH to[j] = x * d[j];
    } else
        EACH to[j * s->to_step] = b[j * s->b_step] * d[j * s->d_step];
}

#define OF_ONE_NUMBER(F)                                                                           \
    if (s->to_step == 1 && s->a_step == 1)                                                         \
        EACH to[j] = F(a[j]);                                                                      \
    else                                                                                           \
        EACH to[j * s->to_step] = F(a[j * s->a_step]);                                             \
    break
#define OF_TWO_NUMBERS(F)                                                                          \
    if (s->to_step == 1 && s->a_step == 1 && s->b_step == 1)                                       \
        EACH to[j] = F(a[j], b[j]);                                                                \
    else if (s->to_step == 1 && s->a_step == 0 && s->b_step == 1) {                                \
        const double x = *a;                                                                       \
        EACH to[j] = F(x, b[j]);                                                                   \
    } else if (s->to_step == 1 && s->a_step == 1 && s->b_step == 0) {                              \
        const double y = *b;                                                                       \
        EACH to[j] = F(a[j], y);                                                                   \
    } else                                                                                         \
        EACH to[j * s->to_step] = F(a[j * s->a_step], b[j * s->b_step]);                           \
    break

/* Instructions of one result each, one after the other; gives where others begin. */
TARGET APART static const int32_t *NAME(run_singles)(const int32_t *w, const int32_t *stop,
                                                     double *numbers, double *outputs)
{
    for (; w < stop && !(w[HEAD] & MANY); w += OF_SINGLE) {
        const int32_t head = w[HEAD];
        const double *a = numbers + w[A], *b = numbers + w[B], *c = numbers + w[C];
        double *to = (head & TO_OUTPUT ? outputs : numbers) + w[TO];
        switch (head & KIND) {
        case ADD: *to = *a + *b; break;
        case SUB: *to = *a - *b; break;
        case MUL: *to = *a * *b; break;
        case DIV: *to = *a / *b; break;
        case NEGATE: *to = -*a; break;
        case ABSOLUTE: *to = fabs(*a); break;
        case ROOT: *to = sqrt(*a); break;
        case LESS: *to = *a < *b; break;
        case LESS_EQUAL: *to = *a <= *b; break;
        case EQUAL: *to = *a == *b; break;
        case SELECT: *to = EITHER(*a, *b, *c); break;
        case GATED: *to = EITHER(*a, *b * numbers[w[D]], *c); break;
        case ROUTED: *to = EITHER(*a, *c + *b * numbers[w[D]], *c); break;
        case DOT: *to = *c + *a * *b; break;
        case OF_ONE: *to = OPERATIONS[OPERATION_OF(head)].of_one(*a); break;
        default: *to = OPERATIONS[OPERATION_OF(head)].of_two(*a, *b);
        }
    }
    return w;
}

/* One of two numbers for each condition; both are read, so that compilers see no branch. */
#define CHOOSE(y_of_c)                                                                             \
    EACH                                                                                           \
    {                                                                                              \
        const double x = b[j], y = y_of_c;                                                         \
        to[j] = a[j] != 0.0 ? x : y;                                                               \
    }
TARGET static void NAME(select_one)(const Terms *s, double *to, const double *a, const double *b,
                                    const double *c)
{
    const ptrdiff_t count = s->count;
    const int beside = s->to_step == 1 && s->a_step == 1 && s->b_step == 1;
    if (beside && s->c_step == 1)
        CHOOSE(c[j])
    else if (beside && s->c_step == 0)
        CHOOSE(*c)
    else
        EACH to[j * s->to_step] = a[j * s->a_step] != 0.0 ? b[j * s->b_step] : c[j * s->c_step];
}

/* An instruction that each result needs once, whatever the others are. */
TARGET static void NAME(run_each)(int kind, const Operation *operation, const Terms *s, double *to,
                                  const double *a, const double *b, const double *c)
{
    const ptrdiff_t count = s->count;
    switch (kind) {
    case ADD: OF_TWO_NUMBERS(PLUS);
    case SUB: OF_TWO_NUMBERS(MINUS);
    case MUL: OF_TWO_NUMBERS(TIMES);
    case DIV: OF_TWO_NUMBERS(OVER);
    case LESS: OF_TWO_NUMBERS(BELOW);
    case LESS_EQUAL: OF_TWO_NUMBERS(AT_MOST);
    case EQUAL: OF_TWO_NUMBERS(EQUALS);
    case NEGATE: OF_ONE_NUMBER(-);
    case ABSOLUTE: OF_ONE_NUMBER(fabs);
    case ROOT: OF_ONE_NUMBER(sqrt);
    case SELECT: NAME(select_one)(s, to, a, b, c); break;
    case OF_ONE:
        for (ptrdiff_t j = 0; j < count; j++)
            to[j * s->to_step] = operation->of_one(a[j * s->a_step]);
        break;
    default:
        for (ptrdiff_t j = 0; j < count; j++)
            to[j * s->to_step] = operation->of_two(a[j * s->a_step], b[j * s->b_step]);
    }
}

/* Instructions one after the other until `stop` is passed; gives where the next one begins. */
TARGET static const int32_t *NAME(run_one)(const int32_t *w, const int32_t *stop, double *numbers,
                                           double *outputs)
{
    while ((w = NAME(run_singles)(w, stop, numbers, outputs)) < stop) {
        const int32_t head = w[HEAD];
        const double *a = numbers + w[A], *b = numbers + w[B], *c = numbers + w[C];
        double *to = (head & TO_OUTPUT ? outputs : numbers) + w[TO];
        const Terms s = terms_of(w);
        switch (head & KIND) {
        case GATED: NAME(gate_one)(&s, to, a, b, c, numbers + w[D]); break;
        case ROUTED: NAME(route_one)(&s, to, a, b, c, numbers + w[D]); break;
        case DOT: NAME(sum_one)(&s, to, a, b, c); break;
        case SUM:
            for (ptrdiff_t j = 0; j < s.count; j++) {
                double t = c[j * s.c_step];
                for (ptrdiff_t k = 0; k < s.inner; k++)
                    t += a[j * s.a_step + k * s.a_term];
                to[j * s.to_step] = t;
            }
            break;
        default: NAME(run_each)(head & KIND, OPERATIONS + OPERATION_OF(head), &s, to, a, b, c);
        }
        w += OF_MANY;
    }
    return w;
}

/* ---- A block of points: a number of each lies in a lane, what all have in common lies alone. ---- */

/* The sums of so many results side by side as there are numbers in a vector: of two vectors the lower
   halves of what they hold, plus the upper ones. */
#if WIDTH == 8 && defined(SHUFFLE)
TARGET static inline void NAME(fold)(double (*lane)[BLOCK], double *sum)
{
    Vector u[8];
    for (int h = 0; h < 8; h++)
        u[h] = AT(lane[h]) + AT(lane[h] + 8);
    for (int h = 0; h < 4; h++)
        u[h] = SHUFFLE(u[2 * h], u[2 * h + 1], 0, 1, 2, 3, 8, 9, 10, 11) +
               SHUFFLE(u[2 * h], u[2 * h + 1], 4, 5, 6, 7, 12, 13, 14, 15);
    for (int h = 0; h < 2; h++)
        u[h] = SHUFFLE(u[2 * h], u[2 * h + 1], 0, 1, 4, 5, 8, 9, 12, 13) +
               SHUFFLE(u[2 * h], u[2 * h + 1], 2, 3, 6, 7, 10, 11, 14, 15);
    PUT(sum, SHUFFLE(u[0], u[1], 0, 2, 4, 6, 8, 10, 12, 14) +
                 SHUFFLE(u[0], u[1], 1, 3, 5, 7, 9, 11, 13, 15));
}
#elif WIDTH == 4 && defined(SHUFFLE)
TARGET static inline void NAME(fold)(double (*lane)[BLOCK], double *sum)
{
    for (int g = 0; g < 8; g += 4) {
        Vector u[4];
        for (int h = 0; h < 4; h++) {
            const double *l = lane[g + h];
            u[h] = (AT(l) + AT(l + 8)) + (AT(l + 4) + AT(l + 12));
        }
        for (int h = 0; h < 2; h++)
            u[h] = SHUFFLE(u[2 * h], u[2 * h + 1], 0, 1, 4, 5) +
                   SHUFFLE(u[2 * h], u[2 * h + 1], 2, 3, 6, 7);
        PUT(sum + g, SHUFFLE(u[0], u[1], 0, 2, 4, 6) + SHUFFLE(u[0], u[1], 1, 3, 5, 7));
    }
}
#else
TARGET static inline void NAME(fold)(double (*lane)[BLOCK], double *sum)
{
    for (int h = 0; h < TOGETHER; h++) {
        double half[BLOCK / 2];
        for (int l = 0; l < 8; l++)
            half[l] = lane[h][l] + lane[h][l + 8];
        for (int l = 0; l < 4; l++)
            half[l] += half[l + 4];
        sum[h] = (half[0] + half[2]) + (half[1] + half[3]);
    }
}
#endif

/* Add the sums of results over the points of a block, by halves; `lane` has room for TOGETHER. */
TARGET static void NAME(settle)(const Block *block, ptrdiff_t output, ptrdiff_t step, int count,
                                double (*lane)[BLOCK])
{
    double sum[TOGETHER];
    for (int h = 0; block->valid < BLOCK && h < count; h++)
        for (int l = block->valid; l < BLOCK; l++)
            lane[h][l] = 0.0;
    for (int h = count; h < TOGETHER; h++)
        for (int l = 0; l < BLOCK; l++)
            lane[h][l] = 0.0;
    NAME(fold)(lane, sum);
    double *to = block->outputs + output;
    if (count == TOGETHER && step == 1)
        for (int h = 0; h < TOGETHER; h += WIDTH)
            PUT(to + h, AT(to + h) + AT(sum + h));
    else
        for (int h = 0; h < count; h++)
            to[h * step] += sum[h];
}

/* Where a result goes: to its place in the lanes, or on the way to an output. */
static inline double *NAME(target)(const Block *block, int32_t head, ptrdiff_t number, double *room)
{
    if (!(head & TO_OUTPUT))
        return block->lanes + (number - block->first) * BLOCK;
    return block->summed ? room : block->given + number * BLOCK;
}

#define IN_LANES(number) (block->lanes + ((ptrdiff_t)(number) - block->first) * BLOCK)
#define IS_SHARED(number) ((number) < block->first)
#define ALONG ALONE for (int l = 0; l < BLOCK; l++)

/* The lanes of a number, which is spread over `room` where all points have it in common. */
static inline const double *NAME(lanes_of)(const Block *block, ptrdiff_t number, double *room)
{
    if (number >= block->first)
        return block->lanes + (number - block->first) * BLOCK;
    const double x = block->shared[number];
    for (int l = 0; l < BLOCK; l++)
        room[l] = x;
    return room;
}

/* The results of a run, `to` each, which FOUND fills. */
#define RESULTS(FOUND)                                                                             \
    for (ptrdiff_t done = 0; done < s->count; done += TOGETHER) {                                  \
        const ptrdiff_t until = s->count - done < TOGETHER ? s->count : done + TOGETHER;           \
        for (ptrdiff_t j = done; j < until; j++) {                                                 \
            double *to = NAME(target)(block, w[HEAD], w[TO] + j * s->to_step, room[j - done]);     \
            FOUND;                                                                                 \
        }                                                                                          \
        if (w[HEAD] & TO_OUTPUT && block->summed)                                                  \
            NAME(settle)(block, w[TO] + done * s->to_step, s->to_step, (int)(until - done), room); \
    }
#define BEGUN(name)                                                                                \
    TARGET APART static void NAME(name)(const Block *block, const int32_t *w, const Terms *s)
#define OPERAND(o, place, away, k) \
    const double *o = NAME(lanes_of)(block, w[place] + (away), spread[k])

#define LANES_OF_ONE(name, F)                                                                      \
    BEGUN(name)                                                                                    \
    {                                                                                              \
        double room[TOGETHER][BLOCK];                                                              \
        RESULTS(const double *a = IN_LANES(w[A] + j * s->a_step); ALONG to[l] = F(a[l]))           \
    }
#define LANES_OF_TWO(name, F)                                                                      \
    BEGUN(name)                                                                                    \
    {                                                                                              \
        double room[TOGETHER][BLOCK];                                                              \
        if (IS_SHARED(w[A]))                                                                       \
            RESULTS(const double x = block->shared[w[A] + j * s->a_step];                          \
                    const double *b = IN_LANES(w[B] + j * s->b_step); ALONG to[l] = F(x, b[l]))    \
        else if (IS_SHARED(w[B]))                                                                  \
            RESULTS(const double *a = IN_LANES(w[A] + j * s->a_step);                              \
                    const double y = block->shared[w[B] + j * s->b_step]; ALONG to[l] = F(a[l], y)) \
        else                                                                                       \
            RESULTS(const double *a = IN_LANES(w[A] + j * s->a_step);                              \
                    const double *b = IN_LANES(w[B] + j * s->b_step); ALONG to[l] = F(a[l], b[l])) \
    }

LANES_OF_TWO(add_lanes, PLUS)
LANES_OF_TWO(subtract_lanes, MINUS)
LANES_OF_TWO(multiply_any_lanes, TIMES)
LANES_OF_TWO(divide_lanes, OVER)
LANES_OF_TWO(less_lanes, BELOW)
LANES_OF_TWO(less_equal_lanes, AT_MOST)
LANES_OF_TWO(equal_lanes, EQUALS)
LANES_OF_ONE(negate_lanes, -)
LANES_OF_ONE(absolute_lanes, fabs)
LANES_OF_ONE(root_lanes, sqrt)

BEGUN(select_lanes)
{
    double room[TOGETHER][BLOCK], spread[3][BLOCK];
    RESULTS(OPERAND(a, A, j * s->a_step, 0); OPERAND(b, B, j * s->b_step, 1); OPERAND(c, C, j * s->c_step, 2);
            ALONG to[l] = a[l] != 0.0 ? b[l] : c[l])
}

/* So many products of numbers in lanes with one that they have in common, under one condition. */
TARGET static inline void NAME(gate_by_one)(double *to, ptrdiff_t to_step, const double *d,
                                            ptrdiff_t d_step, ptrdiff_t count, const double *a,
                                            const double *b, const double *c)
{
    for (int g = 0; g < BLOCK; g += WIDTH) {
        const Mask passes = (Mask)(AT(a + g) != SPREAD(0.0));
        const Vector factor = AT(b + g), other = AT(c + g);
        for (ptrdiff_t h = 0; h < count; h++)
            PUT(to + h * to_step + g,
                CHOSEN(passes, factor * AT(d + h * d_step + g), other));
    }
}

/* Products under conditions; mostly one condition, and one factor in common. */
BEGUN(gate_lanes)
{
    double room[TOGETHER][BLOCK], spread[4][BLOCK];
    const int settles = w[HEAD] & TO_OUTPUT && block->summed;
    const int is_common = !s->a_step && !s->b_step && !s->c_step && !IS_SHARED(w[D]);
    if (!is_common) {
        RESULTS(OPERAND(a, A, j * s->a_step, 0); OPERAND(b, B, j * s->b_step, 1);
                OPERAND(c, C, j * s->c_step, 2); OPERAND(d, D, j * s->d_step, 3);
                ALONG to[l] = a[l] != 0.0 ? b[l] * d[l] : c[l])
        return;
    }
    const double *a = NAME(lanes_of)(block, w[A], spread[0]);
    const double *b = NAME(lanes_of)(block, w[B], spread[1]);
    const double *c = NAME(lanes_of)(block, w[C], spread[2]);
    for (ptrdiff_t j = 0; j < s->count; j += TOGETHER) {
        const ptrdiff_t n = s->count - j < TOGETHER ? s->count - j : TOGETHER;
        double *to = NAME(target)(block, w[HEAD], w[TO] + j * s->to_step, room[0]);
        NAME(gate_by_one)(to, (settles ? 1 : s->to_step) * BLOCK, IN_LANES(w[D] + j * s->d_step),
                          s->d_step * BLOCK, n, a, b, c);
        if (settles)
            NAME(settle)(block, w[TO] + j * s->to_step, s->to_step, (int)n, room);
    }
}

/* Products; mostly with one factor in common. */
BEGUN(multiply_lanes)
{
    double room[TOGETHER][BLOCK], spread[BLOCK];
    const int settles = w[HEAD] & TO_OUTPUT && block->summed;
    if (s->a_step || IS_SHARED(w[B])) {
        NAME(multiply_any_lanes)(block, w, s);
        return;
    }
    const double *a = NAME(lanes_of)(block, w[A], spread);
    for (ptrdiff_t j = 0; j < s->count; j += TOGETHER) {
        const ptrdiff_t n = s->count - j < TOGETHER ? s->count - j : TOGETHER;
        const ptrdiff_t to_step = (settles ? 1 : s->to_step) * BLOCK, step = s->b_step * BLOCK;
        double *to = NAME(target)(block, w[HEAD], w[TO] + j * s->to_step, room[0]);
        const double *b = IN_LANES(w[B] + j * s->b_step);
        for (int g = 0; g < BLOCK; g += WIDTH) {
            const Vector factor = AT(a + g);
            for (ptrdiff_t h = 0; h < n; h++)
                PUT(to + h * to_step + g, factor * AT(b + h * step + g));
        }
        if (settles)
            NAME(settle)(block, w[TO] + j * s->to_step, s->to_step, (int)n, room);
    }
}

BEGUN(call_lanes)
{
    double room[TOGETHER][BLOCK], spread[2][BLOCK];
    const Operation *operation = OPERATIONS + OPERATION_OF(w[HEAD]);
    if (operation->kind == OF_ONE)
        RESULTS(OPERAND(a, A, j * s->a_step, 0);
                for (int l = 0; l < BLOCK; l++)
                    to[l] = l < block->valid ? operation->of_one(a[l]) : 0.0)
    else
        RESULTS(OPERAND(a, A, j * s->a_step, 0); OPERAND(b, B, j * s->b_step, 1);
                for (int l = 0; l < BLOCK; l++)
                    to[l] = l < block->valid ? operation->of_two(a[l], b[l]) : 0.0)
}

BEGUN(sum_lanes)
{
    double room[TOGETHER][BLOCK], spread[2][BLOCK];
    RESULTS(OPERAND(c, C, j * s->c_step, 0);
            ALONG to[l] = c[l];
            for (ptrdiff_t k = 0; k < s->inner; k++) {
                OPERAND(a, A, j * s->a_step + k * s->a_term, 1);
                ALONG to[l] += a[l];
            })
}

/* The terms of four results side by side, whose one factor all points have in common. */
TARGET static void NAME(add_weighted)(const Terms *s, const double *w, const double *x,
                                      double *const *to)
{
    const ptrdiff_t p = s->a_step, q = s->b_step * BLOCK;
    for (int g = 0; g < BLOCK; g += WIDTH) {
        Vector t0 = AT(to[0] + g), t1 = AT(to[1] + g), t2 = AT(to[2] + g), t3 = AT(to[3] + g);
        const double *v = w, *y = x + g;
        for (ptrdiff_t k = 0; k < s->inner; k++, v += s->a_term, y += s->b_term * BLOCK) {
            t0 += SPREAD(v[0]) * AT(y);
            t1 += SPREAD(v[p]) * AT(y + q);
            t2 += SPREAD(v[2 * p]) * AT(y + 2 * q);
            t3 += SPREAD(v[3 * p]) * AT(y + 3 * q);
        }
        PUT(to[0] + g, t0);
        PUT(to[1] + g, t1);
        PUT(to[2] + g, t2);
        PUT(to[3] + g, t3);
    }
}

/* The terms of one result. */
TARGET static void NAME(add_terms)(const Block *block, const int32_t *w, const Terms *s,
                                   ptrdiff_t j, double *to)
{
    const ptrdiff_t b = w[B] + j * s->b_step, a = w[A] + j * s->a_step;
    for (int g = 0; g < BLOCK; g += 2 * WIDTH) {
        const int h = WIDTH < BLOCK ? WIDTH : 0;
        Vector t0 = AT(to + g), t1 = AT(to + g + h);
        const double *y = IN_LANES(b) + g;
        if (IS_SHARED(a)) {
            const double *x = block->shared + a;
            for (ptrdiff_t k = 0; k < s->inner; k++, x += s->a_term, y += s->b_term * BLOCK) {
                t0 += SPREAD(*x) * AT(y);
                t1 += SPREAD(*x) * AT(y + h);
            }
        } else {
            const double *x = IN_LANES(a) + g;
            const ptrdiff_t step = s->a_term * BLOCK;
            for (ptrdiff_t k = 0; k < s->inner; k++, x += step, y += s->b_term * BLOCK) {
                t0 += AT(x) * AT(y);
                t1 += AT(x + h) * AT(y + h);
            }
        }
        PUT(to + g, t0);
        PUT(to + g + h, t1);
    }
}

/* The terms of four results that one condition lets through, with one factor in lanes. */
TARGET static void NAME(add_routed_weighted)(const Terms *s, const double *a, const double *w,
                                             const double *x, double *const *to)
{
    const ptrdiff_t p = s->b_step;
    for (int g = 0; g < BLOCK; g += WIDTH) {
        Vector t0 = AT(to[0] + g), t1 = AT(to[1] + g), t2 = AT(to[2] + g), t3 = AT(to[3] + g);
        const double *v = w, *y = x + g, *z = a + g;
        for (ptrdiff_t k = 0; k < s->inner; k++) {
            const Mask passes = (Mask)(AT(z) != SPREAD(0.0));
            const Vector e = AT(y);
            t0 = CHOSEN(passes, t0 + SPREAD(v[0]) * e, t0);
            t1 = CHOSEN(passes, t1 + SPREAD(v[p]) * e, t1);
            t2 = CHOSEN(passes, t2 + SPREAD(v[2 * p]) * e, t2);
            t3 = CHOSEN(passes, t3 + SPREAD(v[3 * p]) * e, t3);
            v += s->b_term;
            y += s->d_term * BLOCK;
            z += s->a_term * BLOCK;
        }
        PUT(to[0] + g, t0);
        PUT(to[1] + g, t1);
        PUT(to[2] + g, t2);
        PUT(to[3] + g, t3);
    }
}

TARGET static void NAME(add_routed_terms)(const Block *block, const int32_t *w, const Terms *s,
                                          ptrdiff_t j, double *to)
{
    double spread[3][BLOCK];
    for (ptrdiff_t k = 0; k < s->inner; k++) {
        OPERAND(a, A, j * s->a_step + k * s->a_term, 0);
        OPERAND(b, B, j * s->b_step + k * s->b_term, 1);
        OPERAND(d, D, j * s->d_step + k * s->d_term, 2);
        ALONG to[l] = a[l] != 0.0 ? to[l] + b[l] * d[l] : to[l];
    }
}

/* head + sum of products, or of those that conditions let through. */
BEGUN(sum_products)
{
    const int32_t head = w[HEAD];
    const int settles = head & TO_OUTPUT && block->summed, routed = (head & KIND) == ROUTED;
    const int is_common = routed ? !IS_SHARED(w[A]) && IS_SHARED(w[B]) && !IS_SHARED(w[D]) &&
                                       !s->a_step && !s->d_step
                                 : IS_SHARED(w[A]);
    double room[TOGETHER][BLOCK], spread[BLOCK], *to[4];
    for (ptrdiff_t j = 0, n; j < s->count; j += n) {
        n = is_common && j + 4 <= s->count ? 4 : 1;
        for (ptrdiff_t h = 0; h < n; h++) {
            to[h] = NAME(target)(block, head, w[TO] + (j + h) * s->to_step, room[h]);
            const double *c = NAME(lanes_of)(block, w[C] + (j + h) * s->c_step, spread);
            ALONG to[h][l] = c[l];
        }
        if (routed && n == 4)
            NAME(add_routed_weighted)(s, IN_LANES(w[A]), block->shared + w[B] + j * s->b_step,
                                      IN_LANES(w[D]), to);
        else if (routed)
            NAME(add_routed_terms)(block, w, s, j, to[0]);
        else if (n == 4)
            NAME(add_weighted)(s, block->shared + w[A] + j * s->a_step,
                               IN_LANES(w[B] + j * s->b_step), to);
        else
            NAME(add_terms)(block, w, s, j, to[0]);
        if (settles)
            NAME(settle)(block, w[TO] + j * s->to_step, s->to_step, (int)n, room);
    }
}

/* One instruction, whose result stays in the lanes; 0 for those that are carried out as many are. */
TARGET static inline int NAME(run_single)(const Block *block, const int32_t *w)
{
    double spread[4][BLOCK], *to = IN_LANES(w[TO]);
    const ptrdiff_t j = 0;
    switch (w[HEAD] & (KIND | TO_OUTPUT)) {
#define TWO(F) OPERAND(a, A, j, 0); OPERAND(b, B, j, 1); ALONG to[l] = F(a[l], b[l])
    case ADD: { TWO(PLUS); } return 1;
    case SUB: { TWO(MINUS); } return 1;
    case MUL: { TWO(TIMES); } return 1;
    case DIV: { TWO(OVER); } return 1;
    case LESS: { TWO(BELOW); } return 1;
    case LESS_EQUAL: { TWO(AT_MOST); } return 1;
    case EQUAL: { TWO(EQUALS); } return 1;
#undef TWO
    case SELECT: {
        OPERAND(a, A, j, 0);
        OPERAND(b, B, j, 1);
        OPERAND(c, C, j, 2);
        ALONG to[l] = a[l] != 0.0 ? b[l] : c[l];
        return 1;
    }
    case DOT: {
        OPERAND(a, A, j, 0);
        OPERAND(b, B, j, 1);
        OPERAND(c, C, j, 2);
        ALONG to[l] = c[l] + a[l] * b[l];
        return 1;
    }
    case GATED:
    case ROUTED: {
        OPERAND(a, A, j, 0);
        OPERAND(b, B, j, 1);
        OPERAND(c, C, j, 2);
        OPERAND(d, D, j, 3);
        if ((w[HEAD] & KIND) == GATED)
            ALONG to[l] = a[l] != 0.0 ? b[l] * d[l] : c[l];
        else
            ALONG to[l] = a[l] != 0.0 ? c[l] + b[l] * d[l] : c[l];
        return 1;
    }
    default: return 0;
    }
}

TARGET static const int32_t *NAME(run_block)(const int32_t *w, const int32_t *stop,
                                             const Block *block)
{
    while (w < stop) {
        const int32_t head = w[HEAD];
        if (!(head & MANY) && NAME(run_single)(block, w)) {
            w += OF_SINGLE;
            continue;
        }
        const Terms s = head & MANY ? terms_of(w) : ONE_TERM;
        switch (head & KIND) {
        case ADD: NAME(add_lanes)(block, w, &s); break;
        case SUB: NAME(subtract_lanes)(block, w, &s); break;
        case MUL: NAME(multiply_lanes)(block, w, &s); break;
        case DIV: NAME(divide_lanes)(block, w, &s); break;
        case LESS: NAME(less_lanes)(block, w, &s); break;
        case LESS_EQUAL: NAME(less_equal_lanes)(block, w, &s); break;
        case EQUAL: NAME(equal_lanes)(block, w, &s); break;
        case NEGATE: NAME(negate_lanes)(block, w, &s); break;
        case ABSOLUTE: NAME(absolute_lanes)(block, w, &s); break;
        case ROOT: NAME(root_lanes)(block, w, &s); break;
        case SELECT: NAME(select_lanes)(block, w, &s); break;
        case GATED: NAME(gate_lanes)(block, w, &s); break;
        case SUM: NAME(sum_lanes)(block, w, &s); break;
        case DOT:
        case ROUTED: NAME(sum_products)(block, w, &s); break;
        default: NAME(call_lanes)(block, w, &s);
        }
        w += head & MANY ? OF_MANY : OF_SINGLE;
    }
    return w;
}

/* ---- Columns: every number alone again, operands and results side by side. --------------------- */

TARGET static void NAME(run_column)(const Operation *operation, ptrdiff_t count, double *to,
                                    const Column *a, const Column *b, const Column *c)
{
    const Terms s = {count, 1, 1, a->step, b->step, c->step, 0, 0, 0, 0};
    NAME(run_each)(operation->kind, operation, &s, to, a->at, b->at, c->at);
}

TARGET static int NAME(are_finite)(const double *numbers, ptrdiff_t count)
{
    int64_t others = 0;
    for (ptrdiff_t j = 0; j < count; j++)
        others |= fabs(numbers[j]) <= DBL_MAX ? 0 : 1;
    return !others;
}

#undef Vector
#undef Mask
#undef CHOSEN
#undef AT
#undef PUT
#undef SPREAD
#undef EACH
#undef OF_ONE_NUMBER
#undef OF_TWO_NUMBERS
#undef CHOOSE
#undef IN_LANES
#undef IS_SHARED
#undef ALONG
#undef RESULTS
#undef BEGUN
#undef OPERAND
#undef LANES_OF_ONE
#undef LANES_OF_TWO
