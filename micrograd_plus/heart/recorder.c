/* Recording: the snapshot of a graph, and a reverse sweep over it, as a flat program, and what is
 * done with one.
 *
 * This is `tape/linearisation.py` in C, instruction by instruction: equal instructions are one, what
 * has only constants for operands is a constant, what no output needs is left out. Slopes are
 * patterns, short programs in rows of the table, which Python traces from the rows; instructions
 * that are known here by their kind are those that `ops/simplify.py` knows. A graph with a row for
 * Python alone is not for this file: NULL without an exception says so.
 */

enum { NOT_THERE = INT32_MIN, ALL_SLOPES = -1, MOST_IN_PATTERNS = 1 << 20 };
#define MOST_REGISTERS ((size_t)INT32_MAX)

/* ---- Patterns. ------------------------------------------------------------------------------- */

typedef struct Pattern {
    struct Pattern *next; /* of its row */
    uint32_t size;        /* how many operands the row has here */
    int mask, of_slopes;
    int is_forgotten;
    size_t uses, total; /* total: operands of all steps */
    int32_t given, constants, steps, outputs;
    double *numbers;
    Row **row;        /* of each step */
    int32_t *count;   /* how many operands each step has */
    int32_t *operands;
    int32_t *output; /* registers, -1 where there is none; then those of the conditions */
} Pattern;

static void free_pattern(Pattern *pattern)
{
    if (pattern->row)
        for (int32_t i = 0; i < pattern->steps; i++)
            Py_XDECREF((PyObject *)pattern->row[i]);
    free(pattern->numbers);
    free(pattern->row);
    free(pattern->count);
    free(pattern->operands);
    free(pattern->output);
    free(pattern);
}

/* Whoever copies a pattern uses it; Python may run meanwhile, and forget it. */
static void end_use(Pattern *pattern)
{
    if (--pattern->uses == 0 && pattern->is_forgotten)
        free_pattern(pattern);
}

static void forget_patterns(Row *row)
{
    while (row->patterns) {
        Pattern *pattern = row->patterns;
        row->patterns = pattern->next;
        pattern->is_forgotten = 1;
        if (!pattern->uses)
            free_pattern(pattern);
    }
    row->in_patterns = 0;
}

static int visit_patterns(const Row *row, visitproc visit, void *arg)
{
    for (const Pattern *pattern = row->patterns; pattern; pattern = pattern->next)
        for (int32_t i = 0; i < pattern->steps; i++)
            Py_VISIT((PyObject *)pattern->row[i]);
    return 0;
}

/* A pattern from the lists that describe it: constants; the row of each step; how many operands
   each has; these; outputs with their conditions. */
static Pattern *pattern_from(PyObject *described, uint32_t size, int mask, int of_slopes)
{
    PyObject *numbers, *rows, *counts, *operands, *outputs;
    Py_ssize_t counted = 0, total = 0, given = 0, needed = 0;
    if (!PyArg_ParseTuple(described, "O!O!O!O!O!", &PyList_Type, &numbers, &PyList_Type, &rows,
                          &PyList_Type, &counts, &PyList_Type, &operands, &PyList_Type, &outputs))
        return NULL;
    Pattern *pattern = calloc(1, sizeof(Pattern));
    if (!pattern)
        return (Pattern *)PyErr_NoMemory();
    pattern->size = size;
    pattern->mask = mask;
    pattern->of_slopes = of_slopes;
    pattern->given = (int32_t)size + 1;
    pattern->constants = (int32_t)PyList_Size(numbers);
    pattern->numbers = malloc(((size_t)pattern->constants + 1) * sizeof(double));
    pattern->row = calloc((size_t)PyList_Size(rows) + 1, sizeof(Row *));
    if (!pattern->numbers || !pattern->row) {
        PyErr_NoMemory();
        goto fail;
    }
    for (int32_t i = 0; i < pattern->constants; i++)
        pattern->numbers[i] = PyFloat_AsDouble(PyList_GetItem(numbers, i));
    pattern->steps = (int32_t)PyList_Size(rows);
    for (int32_t i = 0; i < pattern->steps; i++) {
        Row *row = row_of(PyList_GetItem(rows, i));
        if (!row)
            goto fail;
        pattern->row[i] = (Row *)Py_NewRef((PyObject *)row);
    }
    if (!(pattern->count = integers_of(counts, &counted)) ||
        !(pattern->operands = integers_of(operands, &total)) ||
        !(pattern->output = integers_of(outputs, &given)) || PyErr_Occurred())
        goto fail;
    pattern->outputs = (int32_t)(given / 2);
    pattern->total = (size_t)total;
    int is_sound = counted == pattern->steps && given % 2 == 0;
    int32_t first = pattern->given + pattern->constants;
    for (Py_ssize_t i = 0; is_sound && i < counted; i++) {
        is_sound = pattern->count[i] >= 0 && pattern->count[i] <= total - needed &&
                   are_below(pattern->operands + needed, pattern->count[i], 0, first + (int32_t)i);
        needed += pattern->count[i];
    }
    if (is_sound && needed == total &&
        are_below(pattern->output, given, -1, first + pattern->steps))
        return pattern;
    PyErr_SetString(PyExc_ValueError, "a pattern has operands that are none");
fail:
    free_pattern(pattern);
    return NULL;
}

/* The pattern of a row's slopes, or of what it is lowered to, for so many operands; in use from now
   on. NULL with an exception. */
static Pattern *pattern_of(Row *row, int of_slopes, uint32_t size, int mask, PyObject *trace)
{
    Pattern *before = NULL, *found = row->patterns;
    while (found && (found->size != size || found->mask != mask || found->of_slopes != of_slopes)) {
        before = found;
        found = found->next;
    }
    if (found && before) { /* what was met last is looked at first */
        before->next = found->next;
        found->next = row->patterns;
        row->patterns = found;
    } else if (!found) {
        PyObject *described = PyObject_CallFunction(trace, "OIii", row->primitive, size, mask,
                                                    of_slopes);
        found = described ? pattern_from(described, size, mask, of_slopes) : NULL;
        Py_XDECREF(described);
        if (!found)
            return NULL;
        if (row->in_patterns > MOST_IN_PATTERNS)
            forget_patterns(row);
        found->next = row->patterns;
        row->patterns = found;
        row->in_patterns += (size_t)found->given * 4 + (size_t)found->steps * 4 + found->total;
    }
    found->uses++;
    return found;
}

/* ---- A program in the making. ---------------------------------------------------------------- */

/* A reference is a register, the given numbers first and then one an instruction, or for a constant
   the complement of its place among the constants. */
typedef struct {
    int32_t code, count;
    uint32_t first;
    int32_t next; /* in the ring of its newest operand */
} Line;

/* Of a hash table: the place is -1 where it is empty. */
typedef struct {
    uint32_t hash;
    int32_t place;
} Slot;

/* Equal instructions have the same newest operand, and each operand leads to the ring of those
   whose newest it is, to the last of them, after which the first one comes. What is long goes
   to a hash table when it is searched, once long rings have been walked for some steps an
   instruction of the program: one that is searched but once is not worth it. */
enum { NO_LINE = -1, IN_TABLE = -2, LONG_RING = 8, STEPS_A_LINE = 2 };

typedef struct {
    int32_t given;
    double *constants;
    int32_t *constant_at; /* a hash table of places */
    size_t constant_count, constant_room, constant_slots;
    Line *lines;
    Slot *slot; /* a hash table of instructions */
    size_t count, room, slots, hashed, walked;
    int32_t *latest_user, *ring; /* by register: of whom it is an operand, or NO_LINE */
    int32_t *operands;
    size_t used, operand_room, user_room, ring_room, slot_bytes;
    Table table; /* the rows that were asked for */
    int32_t *map; /* of the registers of a pattern */
    size_t map_room;
    int32_t *gathered;
    size_t gathered_room;
    Room numbers, registers;
} Flat;

static void begin_flat(Flat *flat, int32_t given)
{
    memset(flat, 0, sizeof(Flat));
    begin_table(&flat->table);
    flat->given = given;
}

static void end_flat(Flat *flat)
{
    end_table(&flat->table);
    free(flat->constants);
    free(flat->constant_at);
    spared(OF_LINES, flat->lines, flat->room * sizeof(Line));
    spared(OF_SLOTS, flat->slot, flat->slot_bytes);
    spared(OF_USERS, flat->latest_user, flat->user_room * sizeof(int32_t));
    spared(OF_RINGS, flat->ring, flat->ring_room * sizeof(int32_t));
    spared(OF_LINE_OPERANDS, flat->operands, flat->operand_room * sizeof(int32_t));
    free(flat->map);
    free(flat->gathered);
    free(flat->numbers.more);
    free(flat->registers.more);
}

static inline uint64_t mixed(uint64_t hash, uint64_t number)
{
    hash = (hash ^ number) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

/* A hash table of empty slots; NULL with an exception. */
static int32_t *emptied(size_t slots)
{
    int32_t *found = slots > SIZE_MAX / 2 / sizeof(int32_t) ? NULL : malloc(slots * sizeof(int32_t));
    if (!found)
        return (int32_t *)PyErr_NoMemory();
    memset(found, 0xFF, slots * sizeof(int32_t)); /* -1 */
    return found;
}

static int refuse_size(void)
{
    PyErr_Format(PyExc_OverflowError, "a tape holds at most %zu registers and operands",
                 MOST_REGISTERS);
    return -1;
}

static inline size_t slot_of(double number, size_t slots)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return (size_t)mixed(0, bits) & (slots - 1);
}

static int rehash_constants(Flat *flat)
{
    size_t slots = flat->constant_slots ? 2 * flat->constant_slots : 256;
    int32_t *table = emptied(slots);
    if (!table)
        return -1;
    for (size_t i = 0; i < flat->constant_count; i++) {
        size_t at = slot_of(flat->constants[i], slots);
        while (table[at] >= 0)
            at = (at + 1) & (slots - 1);
        table[at] = (int32_t)i;
    }
    free(flat->constant_at);
    flat->constant_at = table;
    flat->constant_slots = slots;
    return 0;
}

/* The reference of a constant: those of the same bits are one, and so are all nans. */
static int constant(Flat *flat, double number, int32_t *found)
{
    if (number != number)
        number = NAN;
    if (2 * (flat->constant_count + 1) > flat->constant_slots && rehash_constants(flat) < 0)
        return -1;
    size_t at = slot_of(number, flat->constant_slots);
    for (; flat->constant_at[at] >= 0; at = (at + 1) & (flat->constant_slots - 1))
        if (!memcmp(flat->constants + flat->constant_at[at], &number, sizeof(double))) {
            *found = ~flat->constant_at[at];
            return 0;
        }
    if (flat->constant_count >= MOST_REGISTERS)
        return refuse_size();
    if (ENLARGED(flat->constants, flat->constant_room, flat->constant_count + 1) < 0)
        return -1;
    flat->constants[flat->constant_count] = number;
    flat->constant_at[at] = (int32_t)flat->constant_count;
    *found = ~(int32_t)flat->constant_count++;
    return 0;
}

static uint32_t hash_of_line(int32_t code, const int32_t *operands, size_t count)
{
    uint64_t mix = mixed((uint64_t)code, count);
    for (size_t i = 0; i < count; i++)
        mix = mixed(mix, (uint32_t)operands[i]);
    return (uint32_t)(mix >> 16);
}

static int rehash_lines(Flat *flat, size_t slots)
{
    size_t bytes = 0, needed = slots * sizeof(Slot);
    Slot *table = slots > SIZE_MAX / 2 / sizeof(Slot) ? NULL : taken(OF_SLOTS, &bytes);
    if (bytes < needed) {
        free(table);
        table = slots > SIZE_MAX / 2 / sizeof(Slot) ? NULL : malloc(needed);
        bytes = needed;
    }
    if (!table) {
        PyErr_NoMemory();
        return -1;
    }
    memset(table, 0xFF, needed); /* -1 */
    for (size_t i = 0; i < flat->slots; i++) {
        Slot slot = flat->slot[i];
        if (slot.place < 0)
            continue;
        size_t at = slot.hash & (slots - 1);
        while (table[at].place >= 0)
            at = (at + 1) & (slots - 1);
        table[at] = slot;
    }
    spared(OF_SLOTS, flat->slot, flat->slot_bytes);
    flat->slot = table;
    flat->slots = slots;
    flat->slot_bytes = bytes;
    return 0;
}

static inline int is_line(const Flat *flat, int32_t place, int32_t code, const int32_t *operands,
                          size_t count)
{
    const Line *same = flat->lines + place;
    const int32_t *o = flat->operands + same->first;
    if (same->code != code || (size_t)same->count != count)
        return 0;
    for (size_t i = 0; i < count; i++) /* most differ soon */
        if (o[i] != operands[i])
            return 0;
    return 1;
}

/* Room for one more instruction, and for what is kept of its register. */
static int make_room(Flat *flat, size_t operands)
{
    size_t registers = (size_t)flat->given + flat->count;
    int is_first = !flat->latest_user;
    if (registers >= MOST_REGISTERS || operands > MOST_REGISTERS - flat->used)
        return refuse_size();
    if (grown((void **)&flat->lines, &flat->room, flat->count + 1, sizeof(Line), OF_LINES) < 0 ||
        grown((void **)&flat->operands, &flat->operand_room, flat->used + operands,
              sizeof(int32_t), OF_LINE_OPERANDS) < 0 ||
        grown((void **)&flat->latest_user, &flat->user_room, registers + 1, sizeof(int32_t),
              OF_USERS) < 0 ||
        grown((void **)&flat->ring, &flat->ring_room, registers + 1, sizeof(int32_t),
              OF_RINGS) < 0)
        return -1;
    for (int32_t i = 0; is_first && i < flat->given; i++)
        flat->latest_user[i] = flat->ring[i] = NO_LINE;
    return 0;
}

static inline int has_room(const Flat *flat, size_t operands)
{
    size_t registers = (size_t)flat->given + flat->count;
    return flat->count < flat->room && registers < flat->user_room &&
           registers < flat->ring_room && flat->used + operands <= flat->operand_room &&
           registers < MOST_REGISTERS && flat->used + operands <= MOST_REGISTERS;
}

/* Put an instruction into the hash table, which does not hold it. */
static int hash_line(Flat *flat, int32_t place)
{
    const Line *l = flat->lines + place;
    if (2 * (flat->hashed + 1) > flat->slots &&
        rehash_lines(flat, flat->slots ? 2 * flat->slots : 1024) < 0)
        return -1;
    uint32_t hash = hash_of_line(l->code, flat->operands + l->first, (size_t)l->count);
    size_t at = hash & (flat->slots - 1);
    while (flat->slot[at].place >= 0)
        at = (at + 1) & (flat->slots - 1);
    flat->slot[at] = (Slot){hash, place};
    flat->hashed++;
    return 0;
}

/* Add an instruction to the ring of its newest operand, or to the table where that went. */
static int link_line(Flat *flat, int32_t newest, int32_t added)
{
    int32_t last = flat->ring[newest];
    if (last == IN_TABLE)
        return hash_line(flat, added);
    flat->ring[newest] = added;
    if (last == NO_LINE)
        flat->lines[added].next = added;
    else {
        flat->lines[added].next = flat->lines[last].next;
        flat->lines[last].next = added;
    }
    return 0;
}

/* Put what a ring holds into the hash table. */
static int hash_ring(Flat *flat, int32_t newest)
{
    int32_t last = flat->ring[newest], place = last;
    do {
        place = flat->lines[place].next;
        if (hash_line(flat, place) < 0)
            return -1;
    } while (place != last);
    flat->ring[newest] = IN_TABLE;
    return 0;
}

/* Search for an instruction with this newest operand that is not newer than `latest`: 0 with its
   place or NO_LINE, or -1 with an exception. */
static int search_line(Flat *flat, int32_t code, const int32_t *operands, size_t count,
                       int32_t newest, int32_t latest, int32_t *place)
{
    int32_t last = flat->ring[newest];
    if (last >= 0) {
        *place = flat->lines[last].next;
        for (size_t steps = 0; steps < LONG_RING || flat->walked++ < STEPS_A_LINE * flat->count;
             steps++) {
            if (*place <= latest && is_line(flat, *place, code, operands, count))
                return 0;
            if (*place == last || *place >= latest) {
                *place = NO_LINE;
                return 0;
            }
            *place = flat->lines[*place].next;
        }
        if (hash_ring(flat, newest) < 0)
            return -1;
    }
    *place = NO_LINE;
    if (last == NO_LINE)
        return 0;
    uint32_t hash = hash_of_line(code, operands, count);
    size_t at = hash & (flat->slots - 1);
    for (; (*place = flat->slot[at].place) >= 0; at = (at + 1) & (flat->slots - 1))
        if (flat->slot[at].hash == hash && is_line(flat, *place, code, operands, count))
            break;
    return 0;
}

/* The reference of an instruction, which may be there already; one of its operands at least is no
   constant. It can only be there if it is newer than the newest of its operands, and not newer than
   the latest user of any. */
static ALWAYS_INLINE int line(Flat *flat, int32_t code, const int32_t *operands, size_t count,
                              int32_t *found)
{
    if (!has_room(flat, count) && make_room(flat, count) < 0)
        return -1;
    int32_t newest = -1, latest = INT32_MAX;
    for (size_t i = 0; i < count; i++) {
        int32_t o = operands[i];
        if (o < 0)
            continue;
        newest = o > newest ? o : newest;
        latest = flat->latest_user[o] < latest ? flat->latest_user[o] : latest;
    }
    if (latest > newest) {
        int32_t place;
        if (search_line(flat, code, operands, count, newest, latest - flat->given, &place) < 0)
            return -1;
        if (place >= 0) {
            *found = flat->given + place;
            return 0;
        }
    }
    int32_t added = (int32_t)flat->count++, ref = flat->given + added;
    int32_t *to = flat->operands + flat->used;
    flat->lines[added] = (Line){code, (int32_t)count, (uint32_t)flat->used, NO_LINE};
    for (size_t i = 0; i < count; i++) {
        to[i] = operands[i];
        if (operands[i] >= 0)
            flat->latest_user[operands[i]] = ref;
    }
    flat->used += count;
    flat->latest_user[ref] = flat->ring[ref] = NO_LINE;
    *found = ref;
    return link_line(flat, newest, added);
}

static int is_neutral(const Flat *flat, int32_t ref, int kind)
{
    if (ref >= 0)
        return 0;
    double number = flat->constants[~ref];
    return kind == MUL ? number == 1.0 : number == 0.0 && signbit(number);
}

/* What a row of constants gives, as a constant. */
static int folded(Flat *flat, Row *row, const int32_t *operands, size_t count, int32_t *found)
{
    double *x = room_for(&flat->numbers, count + 1), value;
    if (!x)
        return -1;
    for (size_t i = 0; i < count; i++)
        x[i] = flat->constants[~operands[i]];
    if (value_of(row, x, (Py_ssize_t)count, &value, &flat->registers) < 0)
        return -1;
    return constant(flat, value, found);
}

/* What a row of which some operands are constants gives without being computed: a constant, or one
   of the operands. 1 where it does, 0, or -1 with an exception. */
static int simplified(Flat *flat, Row *row, const int32_t *operands, size_t count,
                      size_t constants, int32_t *found)
{
    if (constants == count)
        return folded(flat, row, operands, count, found) < 0 ? -1 : 1;
    int kind = row->operation ? row->operation->kind : OF_ONE;
    if ((kind == MUL || kind == ADD) && count == 2)
        for (int i = 0; i < 2; i++)
            if (is_neutral(flat, operands[i], kind)) {
                *found = operands[1 - i];
                return 1;
            }
    if (kind == SELECT && count == 3 && operands[0] < 0) {
        *found = flat->constants[~operands[0]] != 0.0 ? operands[1] : operands[2];
        return 1;
    }
    return 0;
}

/* The reference of a row's result, which may have been computed before, may be a constant, or one
   of the operands. The operands are not in memory that belongs to the program. */
static int emit(Flat *flat, Row *row, const int32_t *operands, size_t count, int32_t *found)
{
    int32_t code;
    size_t constants = 0;
    if (code_in(&flat->table, row, &code) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        constants += operands[i] < 0;
    if (constants || !count) {
        int done = simplified(flat, row, operands, count, constants, found);
        if (done)
            return done < 0 ? -1 : 0;
    }
    return line(flat, code, operands, count, found);
}

/* The same for two operands, of which mostly none is a constant. */
static int emit_two(Flat *flat, Row *row, int32_t x, int32_t y, int32_t *found)
{
    int32_t code, operands[2] = {x, y};
    if (x < 0 || y < 0)
        return emit(flat, row, operands, 2, found);
    return code_in(&flat->table, row, &code) < 0 ? -1 : line(flat, code, operands, 2, found);
}

/* Copy a pattern into the program; the map begins with the references of what is given to it, and
   then has that of each of its registers. */
static int copy_pattern(Flat *flat, const Pattern *pattern)
{
    int32_t *to = flat->map + pattern->given;
    const int32_t *operands = pattern->operands;
    for (int32_t i = 0; i < pattern->constants; i++)
        if (constant(flat, pattern->numbers[i], to + i) < 0)
            return -1;
    to += pattern->constants;
    for (int32_t i = 0; i < pattern->steps; i++) {
        size_t count = (size_t)pattern->count[i];
        if (ENLARGED(flat->gathered, flat->gathered_room, count) < 0)
            return -1;
        for (size_t k = 0; k < count; k++)
            flat->gathered[k] = flat->map[operands[k]];
        if (emit(flat, pattern->row[i], flat->gathered, count, to + i) < 0)
            return -1;
        operands += count;
    }
    return 0;
}

static int make_map(Flat *flat, const Pattern *pattern)
{
    return ENLARGED(flat->map, flat->map_room,
                    (size_t)pattern->given + (size_t)pattern->constants + (size_t)pattern->steps);
}

/* ---- The reverse sweep. ---------------------------------------------------------------------- */

static Row *selecting; /* the row that chooses by a condition */

/* What a sweep found for a node: there where a condition is not 0, or always when that is
   NOT_THERE; a sum of some is itself the neutral number where none of them is there. */
typedef struct {
    int32_t number, condition;
    char is_sum;
} Found;

/* A number where a condition, which is no constant, is not 0, and another one elsewhere. */
static int select_or(Flat *flat, int32_t condition, int32_t number, double other, int32_t *found)
{
    int32_t code, operands[3] = {condition, number, 0};
    if (constant(flat, other, operands + 2) < 0 || code_in(&flat->table, selecting, &code) < 0)
        return -1;
    return line(flat, code, operands, 3, found);
}

static int or_else(Flat *flat, const Found *part, double other, int32_t *found)
{
    if (part->condition == NOT_THERE) {
        *found = part->number;
        return 0;
    }
    return select_or(flat, part->condition, part->number, other, found);
}

static int summand(Flat *flat, const Found *part, int32_t *found)
{
    if (part->is_sum) {
        *found = part->number;
        return 0;
    }
    return or_else(flat, part, -0.0, found);
}

static int both(Flat *flat, int32_t c, int32_t d, int32_t *found)
{
    if (c == NOT_THERE || d == NOT_THERE || c == d) {
        *found = c == NOT_THERE ? d : c;
        return 0;
    }
    return select_or(flat, c, d, 0.0, found);
}

static int either(Flat *flat, int32_t c, int32_t d, int32_t *found)
{
    if (c == NOT_THERE || d == NOT_THERE || c == d) {
        *found = c == d ? c : NOT_THERE;
        return 0;
    }
    return emit_two(flat, operator_row[ADDED], c, d, found);
}

/* upstream times a slope, which is there on a condition */
static int times(Flat *flat, const Found *upstream, int32_t slope, int32_t condition, Found *found)
{
    found->is_sum = 0;
    if (emit_two(flat, operator_row[MULTIPLIED], upstream->number, slope, &found->number) < 0)
        return -1;
    return both(flat, upstream->condition, condition, &found->condition);
}

static int plus(Flat *flat, Found *found, const Found *more)
{
    if (found->condition == NOT_THERE && more->condition == NOT_THERE) {
        found->is_sum = 0;
        return emit_two(flat, operator_row[ADDED], found->number, more->number, &found->number);
    }
    int32_t one, other;
    if (summand(flat, found, &one) < 0 || summand(flat, more, &other) < 0 ||
        emit_two(flat, operator_row[ADDED], one, other, &found->number) < 0 ||
        either(flat, found->condition, more->condition, &found->condition) < 0)
        return -1;
    found->is_sum = 1;
    return 0;
}

/* A graph on its way into a program. */
typedef struct {
    Flat flat;
    const Snapshot *of;
    int32_t *ref;   /* where the number of each node is */
    Found *adjoint; /* what the sweep found for it */
    char *reached;  /* whether it depends on what a derivative is asked in */
    uint32_t *swept; /* the nodes that a gradient reached, in that order */
    size_t swept_count;
    PyObject *trace;
} Graph;

static void end_graph(Graph *graph)
{
    end_flat(&graph->flat);
    free(graph->ref);
    free(graph->adjoint);
    free(graph->reached);
    free(graph->swept);
}

static inline int ref_of(Graph *graph, uint32_t operand, int32_t *found)
{
    if (operand >= graph->of->all)
        return constant(&graph->flat, graph->of->numbers[operand - graph->of->all], found);
    *found = graph->ref[operand];
    return 0;
}

static int operand_refs(Graph *graph, const uint32_t *operands, size_t size, int32_t *found)
{
    for (size_t i = 0; i < size; i++)
        if (ref_of(graph, operands[i], found + i) < 0)
            return -1;
    return 0;
}

static inline int is_reached(const Graph *graph, uint32_t operand)
{
    return operand < graph->of->all && graph->reached[operand];
}

static int emit_graph(Graph *graph)
{
    const Snapshot *of = graph->of;
    const uint32_t *operands = of->operands;
    size_t most = 0;
    for (size_t i = 0; i < of->count; i++)
        most = of->gates[i].size > most ? of->gates[i].size : most;
    int32_t *refs = malloc((most + 1) * sizeof(int32_t));
    if (!refs) {
        PyErr_NoMemory();
        return -1;
    }
    int done = 0;
    for (size_t i = of->count; i < of->all; i++) /* what varies */
        graph->ref[i] = (int32_t)(i - of->count);
    for (size_t i = 0; i < of->count && done == 0; i++) {
        Gate gate = of->gates[i];
        if (i % PATIENCE == PATIENCE - 1 && PyErr_CheckSignals() < 0)
            done = -1;
        else if (gate.code == A_NUMBER)
            done = constant(&graph->flat, of->numbers[gate.size], graph->ref + i);
        else {
            if ((done = operand_refs(graph, operands, gate.size, refs)) == 0)
                done = emit(&graph->flat, of->table.row[gate.code], refs, gate.size,
                            graph->ref + i);
            for (uint32_t k = 0; k < gate.size; k++)
                graph->reached[i] |= (char)is_reached(graph, operands[k]);
            operands += gate.size;
        }
    }
    free(refs);
    return done;
}

/* Hand on the gradient of one node through a pattern of its slopes, already copied. */
static int pass_on(Graph *graph, const Pattern *pattern, const uint32_t *operands, Found upstream)
{
    Flat *flat = &graph->flat;
    for (int32_t k = 0; k < pattern->outputs; k++) {
        int32_t output = pattern->output[k], given = pattern->output[pattern->outputs + k];
        uint32_t to = operands[k];
        if (output < 0 || !is_reached(graph, to))
            continue;
        int32_t condition = given < 0 ? NOT_THERE : flat->map[given];
        if (given >= 0 && condition < 0) { /* it has turned out to be a constant */
            if (flat->constants[~condition] == 0.0)
                continue;
            condition = NOT_THERE;
        }
        Found part, *found = graph->adjoint + to;
        if (times(flat, &upstream, flat->map[output], condition, &part) < 0)
            return -1;
        if (found->number == NOT_THERE) {
            *found = part;
            graph->swept[graph->swept_count++] = to;
        } else if (plus(flat, found, &part) < 0)
            return -1;
    }
    return 0;
}

static int sweep_node(Graph *graph, size_t i, const uint32_t *operands)
{
    Row *row = graph->of->table.row[graph->of->gates[i].code];
    uint32_t size = graph->of->gates[i].size;
    int mask = ALL_SLOPES;
    if (size <= SMALL) {
        mask = 0;
        for (uint32_t k = 0; k < size; k++)
            mask |= is_reached(graph, operands[k]) << k;
    }
    Pattern *pattern = pattern_of(row, 1, size, mask, graph->trace);
    if (!pattern)
        return -1;
    int done = pattern->outputs == (int32_t)size ? make_map(&graph->flat, pattern) : -1;
    if (done == 0) {
        graph->flat.map[0] = graph->ref[i];
        done = operand_refs(graph, operands, size, graph->flat.map + 1);
    }
    if (done == 0)
        done = copy_pattern(&graph->flat, pattern);
    if (done == 0)
        done = pass_on(graph, pattern, operands, graph->adjoint[i]);
    end_use(pattern);
    if (done < 0 && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "a row has as many slopes as operands");
    return done;
}

static int sweep_graph(Graph *graph, size_t root)
{
    graph->adjoint[root].condition = NOT_THERE;
    graph->swept[graph->swept_count++] = (uint32_t)root;
    if (constant(&graph->flat, 1.0, &graph->adjoint[root].number) < 0)
        return -1;
    const uint32_t *operands = graph->of->operands + graph->of->edges;
    int32_t unused;
    if (constant(&graph->flat, -0.0, &unused) < 0 || constant(&graph->flat, 0.0, &unused) < 0 ||
        code_in(&graph->flat.table, operator_row[MULTIPLIED], &unused) < 0 ||
        code_in(&graph->flat.table, operator_row[ADDED], &unused) < 0 ||
        code_in(&graph->flat.table, selecting, &unused) < 0)
        return -1;
    for (size_t i = graph->of->count; i-- > 0;) {
        if (graph->of->gates[i].code == A_NUMBER)
            continue;
        operands -= graph->of->gates[i].size;
        if (i % PATIENCE == PATIENCE - 1 && PyErr_CheckSignals() < 0)
            return -1;
        if (graph->reached[i] && graph->adjoint[i].number != NOT_THERE &&
            sweep_node(graph, i, operands) < 0)
            return -1;
    }
    return 0;
}

/* ---- A program that is finished. ------------------------------------------------------------- */

static inline size_t register_in(const Flat *flat, int32_t ref)
{
    if (ref < 0)
        return (size_t)flat->given + (size_t)~ref;
    return (size_t)ref + (ref < flat->given ? 0 : flat->constant_count);
}

/* The register of each reference in the program that is left: -1 where it is gone. */
typedef struct {
    int32_t *memory;
    int32_t *number; /* by reference, the negative ones of constants before it */
    size_t kept_constants, kept_lines, kept_operands;
} Liveness;

/* Number what is kept: given numbers, then constants, then the results of instructions. */
static void number_live(const Flat *flat, const char *is_live, Liveness *live)
{
    int32_t next = 0;
    for (int32_t i = 0; i < flat->given; i++)
        live->number[i] = next++;
    for (int32_t i = 0; i < (int32_t)flat->constant_count; i++)
        live->number[~i] = is_live[~i] ? next++ : -1;
    live->kept_constants = (size_t)(next - flat->given);
    for (size_t i = (size_t)flat->given; i < (size_t)flat->given + flat->count; i++)
        live->number[i] = is_live[i] ? next++ : -1;
}

static int find_live(const Flat *flat, const int32_t *outputs, size_t count, Liveness *live)
{
    memset(live, 0, sizeof(Liveness));
    size_t constants = flat->constant_count, given = (size_t)flat->given;
    size_t size = constants + given + flat->count;
    live->memory = malloc((size + 1) * sizeof(int32_t));
    char *marks = calloc(size + 1, 1), *is_live = marks + constants;
    if (!live->memory || !marks) {
        free(marks);
        PyErr_NoMemory();
        return -1;
    }
    live->number = live->memory + constants;
    for (size_t i = 0; i < count; i++)
        is_live[outputs[i]] = 1;
    for (size_t i = flat->count; i-- > 0;) {
        if (!is_live[given + i])
            continue;
        const Line *l = flat->lines + i;
        const int32_t *o = flat->operands + l->first;
        for (int32_t k = 0; k < l->count; k++)
            is_live[o[k]] = 1;
        live->kept_operands += (size_t)l->count;
        live->kept_lines++;
    }
    number_live(flat, is_live, live);
    free(marks);
    if (live->kept_operands > MOST_REGISTERS || size > MOST_REGISTERS)
        return refuse_size();
    return 0;
}

static PyObject *bytes_for(size_t count, size_t size, void **contents)
{
    PyObject *array = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(count * size));
    if (array)
        *contents = PyByteArray_AsString(array);
    return array;
}

/* Rows of the table that are kept, in their order, and the new code of each. */
static PyObject *kept_rows(const Flat *flat, const Liveness *live, int32_t *code)
{
    for (size_t i = 0; i < flat->table.rows; i++)
        code[i] = -1;
    for (size_t i = 0; i < flat->count; i++)
        if (live->number[(size_t)flat->given + i] >= 0)
            code[flat->lines[i].code] = 0;
    PyObject *rows = PyList_New(0);
    int32_t next = 0;
    for (size_t i = 0; rows && i < flat->table.rows; i++)
        if (code[i] == 0) {
            code[i] = next++;
            if (PyList_Append(rows, flat->table.row[i]->primitive) < 0)
                Py_CLEAR(rows);
        }
    return rows;
}

static void fill_parts(const Flat *flat, const Liveness *live, const int32_t *code,
                       double *constants, int32_t *codes, int32_t *starts, int32_t *operands)
{
    for (int32_t i = 0; i < (int32_t)flat->constant_count; i++)
        if (live->number[~i] >= 0)
            *constants++ = flat->constants[i];
    int32_t used = 0;
    *starts++ = 0;
    for (size_t i = 0; i < flat->count; i++) {
        if (live->number[(size_t)flat->given + i] < 0)
            continue;
        const Line *l = flat->lines + i;
        const int32_t *o = flat->operands + l->first;
        for (int32_t k = 0; k < l->count; k++)
            *operands++ = live->number[o[k]];
        *codes++ = code[l->code];
        used += l->count;
        *starts++ = used;
    }
}

/* (constants, codes, starts, operands, outputs, rows) of a program that gives these outputs, all
   but the last as the memory of an array. */
static PyObject *finished(const Flat *flat, const Liveness *live, const int32_t *outputs,
                          size_t count)
{
    void *constants = NULL, *codes = NULL, *starts = NULL, *operands = NULL, *given = NULL;
    int32_t *code = malloc((flat->table.rows + 1) * sizeof(int32_t));
    PyObject *part[6] = {
        bytes_for(live->kept_constants, sizeof(double), &constants),
        bytes_for(live->kept_lines, sizeof(int32_t), &codes),
        bytes_for(live->kept_lines + 1, sizeof(int32_t), &starts),
        bytes_for(live->kept_operands, sizeof(int32_t), &operands),
        bytes_for(count, sizeof(int32_t), &given),
        code ? kept_rows(flat, live, code) : NULL};
    PyObject *found = NULL;
    if (!code)
        PyErr_NoMemory();
    else if (part[0] && part[1] && part[2] && part[3] && part[4] && part[5]) {
        fill_parts(flat, live, code, constants, codes, starts, operands);
        for (size_t i = 0; i < count; i++)
            ((int32_t *)given)[i] = live->number[outputs[i]];
        found = PyTuple_Pack(6, part[0], part[1], part[2], part[3], part[4], part[5]);
    }
    for (int i = 0; i < 6; i++)
        Py_XDECREF(part[i]);
    free(code);
    return found;
}

/* What registers are called, as their nodes are: a dictionary, first what varies. */
static PyObject *labels_of(const Graph *graph, const Liveness *live)
{
    const Snapshot *of = graph->of;
    PyObject *labels = PyDict_New();
    size_t varied = 0;
    while (varied < of->named && of->labelled[varied] < of->count)
        varied++;
    for (size_t i = 0; labels && i < of->named; i++) {
        size_t k = i + varied < of->named ? i + varied : i + varied - of->named;
        int32_t number = live->number[graph->ref[of->labelled[k]]];
        if (number < 0)
            continue;
        PyObject *key = PyLong_FromLong(number);
        int is_one = PyObject_IsTrue(of->labels[k]);
        if (!key || is_one < 0 || (is_one && PyDict_SetItem(labels, key, of->labels[k]) < 0))
            Py_CLEAR(labels);
        Py_XDECREF(key);
    }
    return labels;
}

/* The registers that hold adjoints, and those of the nodes whose adjoints they are; of several
   nodes with one adjoint, one with a name comes last. */
static int adjoints_of(const Graph *graph, const Liveness *live, PyObject **registers,
                       PyObject **nodes)
{
    void *of_adjoints = NULL, *of_nodes = NULL;
    size_t next = 0;
    *registers = bytes_for(graph->swept_count, sizeof(int32_t), &of_adjoints);
    *nodes = bytes_for(graph->swept_count, sizeof(int32_t), &of_nodes);
    char *has_label = calloc(graph->of->all + 1, 1);
    if (!has_label)
        PyErr_NoMemory();
    if (!*registers || !*nodes || !has_label) {
        free(has_label);
        return -1;
    }
    for (size_t i = 0; i < graph->of->named; i++)
        has_label[graph->of->labelled[i]] = 1;
    for (char with = 0; with < 2; with++)
        for (size_t i = 0; i < graph->swept_count; i++) {
            size_t at = graph->swept[i];
            if (with != has_label[at])
                continue;
            int32_t number = graph->adjoint[at].number, node = graph->ref[at];
            int is_there = number >= 0 && node >= 0; /* neither is a constant */
            ((int32_t *)of_adjoints)[next] = is_there ? live->number[number] : -1;
            ((int32_t *)of_nodes)[next++] = is_there ? live->number[node] : -1;
        }
    free(has_label);
    return 0;
}

/* ---- snapshot.linearised(trace, has_values, first, last) -------------------------------------- */

static int begin_graph(Graph *graph, size_t first, size_t last)
{
    size_t all = graph->of->all + 1;
    graph->ref = malloc(all * sizeof(int32_t));
    graph->adjoint = malloc(all * sizeof(Found));
    graph->reached = calloc(all, 1);
    graph->swept = malloc(all * sizeof(uint32_t));
    if (!graph->ref || !graph->adjoint || !graph->reached || !graph->swept) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < all; i++)
        graph->adjoint[i].number = NOT_THERE;
    for (size_t i = first; i < last; i++)
        graph->reached[graph->of->count + i] = 1;
    return 0;
}

/* The references of the outputs, if they are wanted, and of the derivatives of the only one in what
   varies from the first to before the last. */
static int32_t *output_refs(Graph *graph, int has_values, size_t first, size_t last, size_t *count)
{
    const Snapshot *of = graph->of;
    size_t given = has_values ? of->given : 0;
    int32_t nothing = 0, *refs = malloc((given + last - first + 1) * sizeof(int32_t));
    *count = given + last - first;
    if (!refs)
        return (int32_t *)PyErr_NoMemory();
    int done = emit_graph(graph);
    for (size_t i = 0; i < given && done == 0; i++)
        done = ref_of(graph, of->outputs[i], refs + i);
    if (done == 0 && last > first && of->outputs[0] < of->all)
        done = sweep_graph(graph, of->outputs[0]);
    if (done == 0 && last > first)
        done = constant(&graph->flat, 0.0, &nothing);
    for (size_t i = first; i < last && done == 0; i++) {
        const Found *found = graph->adjoint + of->count + i;
        refs[given + i - first] = nothing;
        if (found->number != NOT_THERE)
            done = or_else(&graph->flat, found, 0.0, refs + given + i - first);
    }
    if (done == 0)
        return refs;
    free(refs);
    return NULL;
}

static PyObject *contents_of(Graph *graph, int has_values, size_t first, size_t last)
{
    size_t count;
    Liveness live = {0};
    PyObject *program = NULL, *labels = NULL, *registers = NULL, *nodes = NULL, *found = NULL;
    int32_t *refs = begin_graph(graph, first, last) < 0
                        ? NULL
                        : output_refs(graph, has_values, first, last, &count);
    if (refs && find_live(&graph->flat, refs, count, &live) == 0 &&
        (program = finished(&graph->flat, &live, refs, count)) &&
        (labels = labels_of(graph, &live)) && adjoints_of(graph, &live, &registers, &nodes) == 0)
        found = PyTuple_Pack(4, program, labels, registers, nodes);
    Py_XDECREF(program);
    Py_XDECREF(labels);
    Py_XDECREF(registers);
    Py_XDECREF(nodes);
    free(live.memory);
    free(refs);
    return found;
}

/* linearised(trace, has_values, first, last): the parts of the program that gives the outputs, if
   they are wanted, and the derivatives of the only one in what varies from the first to before the
   last; labels by register; registers with adjoints, and those of whose they are. */
static PyObject *snapshot_linearised(PyObject *object, PyObject *args)
{
    const Snapshot *self = (Snapshot *)object;
    Graph graph;
    memset(&graph, 0, sizeof(Graph));
    Py_ssize_t first, last;
    int has_values;
    if (!PyArg_ParseTuple(args, "Opnn", &graph.trace, &has_values, &first, &last))
        return NULL;
    size_t varied = self->all - self->count;
    if (first < 0 || last < first || (size_t)last > varied || (last > first && self->given != 1))
        return PyErr_Format(PyExc_ValueError, "there are no such derivatives of this graph");
    graph.of = self;
    begin_flat(&graph.flat, (int32_t)varied);
    PyObject *found = contents_of(&graph, has_values, (size_t)first, (size_t)last);
    end_graph(&graph);
    return found;
}

/* ---- snapshot(outputs, varied, has_gradient) -------------------------------------------------- */

/* Whether every row has a pattern, which those for Python alone have not. */
static int is_for_c(const Order *order)
{
    for (size_t i = 0; i < order->count; i++) {
        const Row *row = order->placed[i].row;
        if (row && (row->custom || !takes(row, (Py_ssize_t)order->placed[i].size)))
            return 0;
    }
    return 1;
}

/* Whether a number that stays in the program was edited after its user was computed. */
static int is_stale(const Order *order)
{
    const uint32_t *operands = order->operands;
    for (size_t i = 0; order->stale && i < order->count; i++) {
        for (uint32_t k = 0; k < order->placed[i].size; k++)
            if (operands[k] < order->count &&
                order->placed[operands[k]].node->clock > order->placed[i].node->clock)
                return 1;
        operands += order->placed[i].size;
    }
    return 0;
}

/* The order of the graph below the outputs, from what varies; 0, -1 with an exception, or 1 where
   Python is to be asked. */
static int lay_out(Order *order, PyObject *outputs, Stops *varied, int has_gradient)
{
    size_t count = (size_t)PyTuple_Size(outputs), roots = 0;
    Node **root = malloc((count + 1) * sizeof(Node *));
    if (!root) {
        PyErr_NoMemory();
        return -1;
    }
    int strange = 0;
    for (size_t i = 0; i < count && !strange; i++) {
        PyObject *o = PyTuple_GetItem(outputs, (Py_ssize_t)i);
        if (IS_NODE(o))
            root[roots++] = (Node *)o;
        else
            strange = !IS_FLOAT(o);
    }
    if (!strange)
        strange = order_of(order, root, roots, varied);
    if (!strange)
        strange = order->cyclic || (has_gradient && is_stale(order)) ||
                  order->all - order->count != varied->count || !is_for_c(order);
    free(root);
    return strange;
}

static PyObject *heart_snapshot(PyObject *module, PyObject *args)
{
    PyObject *outputs, *given, *tuple = NULL;
    int has_gradient, is_kept = 0;
    if (!PyArg_ParseTuple(args, "O!Op", &PyTuple_Type, &outputs, &given, &has_gradient))
        return NULL;
    Snapshot *found = new_snapshot();
    if (!found)
        return NULL;
    Stops varied = {NULL, 0};
    Order order;
    memset(&order, 0, sizeof(Order));
    varied.nodes = nodes_in(given, &tuple, &varied.count);
    if (varied.nodes && (!has_gradient || PyTuple_Size(outputs) == 1) &&
        varied.count < MOST_NODES && lay_out(&order, outputs, &varied, has_gradient) == 0)
        is_kept = keep_order(found, &order, outputs) == 0;
    release(&order);
    free(varied.nodes);
    Py_XDECREF(tuple);
    PyObject_GC_Track((PyObject *)found);
    if (is_kept)
        return (PyObject *)found;
    Py_DECREF((PyObject *)found);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE; /* Python knows what is to be done, or said */
}

/* ---- What is done with a program that stands. ------------------------------------------------ */

/* An array that Python gave, as long as one holds it. */
typedef struct {
    Py_buffer view;
    int is_held;
    const void *items;
    size_t count;
} Given;

static int hold(Given *given, PyObject *array, size_t size)
{
    if (PyObject_GetBuffer(array, &given->view, PyBUF_SIMPLE) < 0)
        return -1;
    given->is_held = 1;
    given->items = given->view.buf;
    given->count = (size_t)given->view.len / size;
    if ((size_t)given->view.len % size == 0)
        return 0;
    PyErr_SetString(PyExc_ValueError, "an array of a program has numbers of another size");
    return -1;
}

/* The reference of a register of a program; the constants have theirs already. */
static inline int32_t ref_in(const Flat *flat, int32_t number)
{
    int32_t constants = (int32_t)flat->constant_count;
    if (number < flat->given)
        return number;
    return number < flat->given + constants ? ~(number - flat->given) : number - constants;
}

static int load_lines(Flat *flat, const Given *codes, const Given *starts, const Given *operands)
{
    const int32_t *code = codes->items, *start = starts->items, *o = operands->items;
    size_t first = (size_t)flat->given + flat->constant_count, count = codes->count;
    int is_sound = starts->count == count + 1 && start[0] == 0 &&
                   (size_t)start[count] == operands->count && first + count <= MOST_REGISTERS;
    if (is_sound && (grown((void **)&flat->lines, &flat->room, count + 1, sizeof(Line),
                           OF_LINES) < 0 ||
                     grown((void **)&flat->operands, &flat->operand_room, operands->count + 1,
                           sizeof(int32_t), OF_LINE_OPERANDS) < 0))
        return -1;
    for (size_t i = 0; is_sound && i < count; i++) {
        int64_t size = (int64_t)start[i + 1] - start[i];
        is_sound = size >= 0 && start[i] >= 0 && (size_t)start[i + 1] <= operands->count &&
                   code[i] >= 0 && (size_t)code[i] < flat->table.rows &&
                   are_below(o + start[i], (Py_ssize_t)size, 0, (int32_t)(first + i));
        flat->lines[i] = (Line){code[i], (int32_t)size, (uint32_t)start[i], NO_LINE};
    }
    for (size_t i = 0; is_sound && i < operands->count; i++)
        flat->operands[i] = ref_in(flat, o[i]);
    flat->count = count;
    flat->used = operands->count;
    if (is_sound)
        return 0;
    PyErr_SetString(PyExc_ValueError, "a program has operands, or rows, that are none");
    return -1;
}

/* The program of (given numbers, constants, codes, starts, operands, rows) in memory of its own, so
   that nothing changes it while Python runs. */
static int load_flat(Flat *flat, PyObject *parts)
{
    Py_ssize_t given;
    PyObject *part[4], *rows;
    Given array[4];
    memset(flat, 0, sizeof(Flat));
    memset(array, 0, sizeof(array));
    if (!PyArg_ParseTuple(parts, "nOOOOO!", &given, part, part + 1, part + 2, part + 3,
                          &PyTuple_Type, &rows))
        return -1;
    int done = given < 0 || (size_t)given > MOST_REGISTERS ? refuse_size() : 0;
    if (done == 0)
        begin_flat(flat, (int32_t)given);
    for (Py_ssize_t i = 0; i < PyTuple_Size(rows) && done == 0; i++) {
        Row *row = row_of(PyTuple_GetItem(rows, i));
        Table *table = &flat->table;
        if (!row || ENLARGED(table->row, table->room, table->rows + 1) < 0)
            done = -1;
        else /* a row that is there twice has two places */
            table->row[table->rows++] = (Row *)Py_NewRef((PyObject *)row);
    }
    for (int i = 0; i < 4 && done == 0; i++)
        done = hold(array + i, part[i], i ? sizeof(int32_t) : sizeof(double));
    if (done == 0 && (size_t)given + array[0].count > MOST_REGISTERS)
        done = refuse_size();
    if (done == 0)
        done = ENLARGED(flat->constants, flat->constant_room, array[0].count + 1);
    if (done == 0) {
        flat->constant_count = array[0].count;
        memcpy(flat->constants, array[0].items, array[0].count * sizeof(double));
        done = load_lines(flat, array + 1, array + 2, array + 3);
    }
    for (int i = 0; i < 4; i++)
        if (array[i].is_held)
            PyBuffer_Release(&array[i].view);
    return done;
}

/* References of the outputs that a program is to give, an array of its registers. */
static int32_t *refs_from(const Flat *flat, PyObject *outputs, size_t *count)
{
    Given given;
    memset(&given, 0, sizeof(Given));
    int32_t *refs = NULL;
    size_t size = (size_t)flat->given + flat->constant_count + flat->count;
    if (hold(&given, outputs, sizeof(int32_t)) == 0) {
        *count = given.count;
        if (!are_below(given.items, (Py_ssize_t)given.count, 0, (int32_t)size))
            PyErr_SetString(PyExc_ValueError, "an output must be a register of the program");
        else if (!(refs = malloc((given.count + 1) * sizeof(int32_t))))
            PyErr_NoMemory();
    }
    for (size_t i = 0; refs && i < given.count; i++)
        refs[i] = ref_in(flat, ((const int32_t *)given.items)[i]);
    if (given.is_held)
        PyBuffer_Release(&given.view);
    return refs;
}

/* Whether a program has nothing, and no row in its table, that it does not need. */
static int is_whole(const Flat *flat, const Liveness *live)
{
    if (live->kept_lines != flat->count || live->kept_constants != flat->constant_count)
        return 0;
    char *is_used = calloc(flat->table.rows + 1, 1);
    size_t used = 0;
    for (size_t i = 0; is_used && i < flat->count; i++) {
        char *mark = is_used + flat->lines[i].code;
        used += !*mark;
        *mark = 1;
    }
    free(is_used);
    return used == flat->table.rows;
}

/* The new number of each register, given numbers first, then constants. */
static PyObject *registers_of_all(const Flat *flat, const Liveness *live)
{
    void *contents;
    size_t given = (size_t)flat->given, constants = flat->constant_count;
    PyObject *registers = bytes_for(given + constants + flat->count, sizeof(int32_t), &contents);
    if (!registers)
        return NULL;
    int32_t *to = contents;
    memcpy(to, live->number, given * sizeof(int32_t));
    for (size_t i = 0; i < constants; i++)
        to[given + i] = live->number[~(int32_t)i];
    memcpy(to + given + constants, live->number + given, flat->count * sizeof(int32_t));
    return registers;
}

/* reduced(parts, outputs): the parts of the program that gives these, and its new registers; None
   where it needs all. */
static PyObject *heart_reduced(PyObject *module, PyObject *args)
{
    PyObject *parts, *outputs, *program = NULL, *registers = NULL, *found = NULL;
    Flat flat;
    Liveness live = {0};
    size_t count = 0;
    if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &parts, &outputs))
        return NULL;
    int32_t *refs = load_flat(&flat, parts) < 0 ? NULL : refs_from(&flat, outputs, &count);
    if (refs && find_live(&flat, refs, count, &live) == 0) {
        if (is_whole(&flat, &live))
            found = Py_NewRef(Py_None);
        else
            program = finished(&flat, &live, refs, count);
    }
    if (program) {
        if ((registers = registers_of_all(&flat, &live)))
            found = PyTuple_Pack(2, program, registers);
    }
    Py_XDECREF(program);
    Py_XDECREF(registers);
    free(live.memory);
    free(refs);
    end_flat(&flat);
    return found;
}

/* One instruction of a program, spelled in instructions and functions of the C library. */
static int lower_line(Flat *to, Row *row, const int32_t *operands, size_t count, PyObject *trace,
                      int32_t *found)
{
    if (row->operation)
        return emit(to, row, operands, count, found);
    Pattern *pattern = pattern_of(row, 0, (uint32_t)count, ALL_SLOPES, trace);
    if (!pattern)
        return -1;
    int done = pattern->outputs == 1 && pattern->output[0] > 0 ? make_map(to, pattern) : -1;
    if (done == 0) {
        to->map[0] = 0; /* nothing asks for the result of which it is made */
        memcpy(to->map + 1, operands, count * sizeof(int32_t));
        done = copy_pattern(to, pattern);
    }
    if (done == 0)
        *found = to->map[pattern->output[0]];
    else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "a row is lowered to one number");
    end_use(pattern);
    return done;
}

/* All instructions of one program in another; `refs` has room for those of its lines. */
static int lower(const Flat *from, Flat *to, int32_t *constants, int32_t *refs, PyObject *trace)
{
    int32_t *operands = NULL;
    size_t room = 0;
    int done = 0;
    for (size_t i = 0; i < from->constant_count && done == 0; i++)
        done = constant(to, from->constants[i], constants + i);
    for (size_t i = 0; i < from->count && done == 0; i++) {
        const Line *l = from->lines + i;
        size_t count = (size_t)l->count;
        if (ENLARGED(operands, room, count + 1) < 0 ||
            (i % PATIENCE == PATIENCE - 1 && PyErr_CheckSignals() < 0)) {
            done = -1;
            break;
        }
        for (size_t k = 0; k < count; k++) {
            int32_t o = from->operands[l->first + k];
            operands[k] = o < 0 ? constants[~o] : o < from->given ? o : refs[o - from->given];
        }
        done = lower_line(to, from->table.row[l->code], operands, count, trace, refs + i);
    }
    free(operands);
    return done;
}

/* lowered(parts, outputs, trace): the parts of the program in instructions. */
static PyObject *heart_lowered(PyObject *module, PyObject *args)
{
    PyObject *parts, *outputs, *trace, *found = NULL;
    Flat from, to;
    Liveness live = {0};
    size_t count = 0;
    if (!PyArg_ParseTuple(args, "O!OO", &PyTuple_Type, &parts, &outputs, &trace))
        return NULL;
    int32_t *given = load_flat(&from, parts) < 0 ? NULL : refs_from(&from, outputs, &count);
    begin_flat(&to, from.given);
    int32_t *refs = malloc((from.count + 1) * sizeof(int32_t));
    int32_t *constants = malloc((from.constant_count + 1) * sizeof(int32_t));
    if (!refs || !constants)
        PyErr_NoMemory();
    else if (given && lower(&from, &to, constants, refs, trace) == 0) {
        for (size_t i = 0; i < count; i++) {
            int32_t o = given[i];
            given[i] = o < 0 ? constants[~o] : o < from.given ? o : refs[o - from.given];
        }
        if (find_live(&to, given, count, &live) == 0)
            found = finished(&to, &live, given, count);
    }
    free(live.memory);
    free(refs);
    free(constants);
    free(given);
    end_flat(&from);
    end_flat(&to);
    return found;
}

static int evaluate_lines(Flat *flat, double *registers)
{
    size_t first = (size_t)flat->given + flat->constant_count;
    int done = 0;
    for (size_t i = 0; i < flat->count && done == 0; i++) {
        const Line *l = flat->lines + i;
        double *x = room_for(&flat->numbers, (size_t)l->count + 1);
        if (!x || (i % PATIENCE == PATIENCE - 1 && PyErr_CheckSignals() < 0))
            return -1;
        for (int32_t k = 0; k < l->count; k++)
            x[k] = registers[register_in(flat, flat->operands[l->first + (uint32_t)k])];
        done = value_of(flat->table.row[l->code], x, l->count, registers + first + i,
                        &flat->registers);
    }
    return done;
}

/* evaluated(parts, outputs, numbers): what a program gives for the numbers of an array, as the
   memory of another one. */
static PyObject *heart_evaluated(PyObject *module, PyObject *args)
{
    PyObject *parts, *outputs, *numbers, *found = NULL;
    void *contents = NULL;
    Flat flat;
    Given given;
    memset(&given, 0, sizeof(Given));
    size_t count = 0;
    if (!PyArg_ParseTuple(args, "O!OO", &PyTuple_Type, &parts, &outputs, &numbers))
        return NULL;
    int32_t *refs = load_flat(&flat, parts) < 0 ? NULL : refs_from(&flat, outputs, &count);
    size_t first = (size_t)flat.given + flat.constant_count;
    double *registers = malloc((first + flat.count + 1) * sizeof(double));
    if (!registers)
        PyErr_NoMemory();
    else if (refs && hold(&given, numbers, sizeof(double)) == 0) {
        if (given.count != (size_t)flat.given)
            PyErr_SetString(PyExc_ValueError, "a program takes as many numbers as it has inputs");
        else {
            memcpy(registers, given.items, given.count * sizeof(double));
            if (flat.constant_count)
                memcpy(registers + flat.given, flat.constants,
                       flat.constant_count * sizeof(double));
            if (evaluate_lines(&flat, registers) == 0)
                found = bytes_for(count, sizeof(double), &contents);
        }
    }
    for (size_t i = 0; found && i < count; i++)
        ((double *)contents)[i] = registers[register_in(&flat, refs[i])];
    if (given.is_held)
        PyBuffer_Release(&given.view);
    free(registers);
    free(refs);
    end_flat(&flat);
    return found;
}

/* The numbers of all nodes, then of what varies, which are there, and of constants. */
static int evaluate_gates(const Snapshot *self, double *numbers)
{
    const uint32_t *operands = self->operands;
    Room gathered, registers;
    int done = 0;
    memset(&gathered, 0, sizeof(Room));
    memset(&registers, 0, sizeof(Room));
    for (size_t i = 0; i < self->count && done == 0; i++) {
        Gate gate = self->gates[i];
        if (gate.code == A_NUMBER) {
            numbers[i] = self->numbers[gate.size];
            continue;
        }
        double *x = room_for(&gathered, (size_t)gate.size + 1);
        if (!x || (i % PATIENCE == PATIENCE - 1 && PyErr_CheckSignals() < 0))
            done = -1;
        for (uint32_t k = 0; done == 0 && k < gate.size; k++)
            x[k] = numbers[operands[k]];
        if (done == 0)
            done = value_of(self->table.row[gate.code], x, (Py_ssize_t)gate.size, numbers + i,
                            &registers);
        operands += gate.size;
    }
    free(gathered.more);
    free(registers.more);
    return done;
}

/* evaluated(numbers): the outputs of the graph for numbers in place of what varies, as the memory of
   an array. */
static PyObject *snapshot_evaluated(PyObject *object, PyObject *varied)
{
    const Snapshot *self = (Snapshot *)object;
    PyObject *found = NULL;
    void *contents = NULL;
    Given given;
    memset(&given, 0, sizeof(Given));
    double *numbers = malloc((self->all + self->numbered + 1) * sizeof(double));
    if (!numbers)
        return PyErr_NoMemory();
    if (hold(&given, varied, sizeof(double)) == 0) {
        if (given.count != self->all - self->count)
            PyErr_SetString(PyExc_ValueError, "a graph takes as many numbers as vary in it");
        else {
            memcpy(numbers + self->count, given.items, given.count * sizeof(double));
            memcpy(numbers + self->all, self->numbers, self->numbered * sizeof(double));
            if (evaluate_gates(self, numbers) == 0)
                found = bytes_for(self->given, sizeof(double), &contents);
        }
    }
    for (size_t i = 0; found && i < self->given; i++)
        ((double *)contents)[i] = numbers[self->outputs[i]];
    if (given.is_held)
        PyBuffer_Release(&given.view);
    free(numbers);
    return found;
}

static PyMethodDef snapshot_methods[] = {{"linearised", snapshot_linearised, METH_VARARGS, NULL},
                                         {"evaluated", snapshot_evaluated, METH_O, NULL},
                                         {"same", snapshot_same, METH_O, NULL},
                                         {"rows", snapshot_rows, METH_NOARGS, NULL},
                                         {"about", snapshot_about, METH_NOARGS, NULL},
                                         {0}};
static PyType_Slot snapshot_slots[] = {{Py_tp_dealloc, snapshot_dealloc},
                                       {Py_tp_traverse, snapshot_traverse},
                                       {Py_tp_methods, snapshot_methods},
                                       {0, NULL}};
static PyType_Spec snapshot_spec = {
    "micrograd_plus.heart.Snapshot", sizeof(Snapshot), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, snapshot_slots};
