/* Rolling up: a lowered program as nests of loops, for those who write code of it. The same as
 * tape/executors/llvm/rolling.py, which says what is done and why, with the same result; here
 * without Python's lock, so that whoever waits for nothing is not held up.
 *
 * Results that are used once become part of the expression that uses them, chains of sums become one
 * statement with many terms, and statements that look alike at even distances become two loops, one
 * in the other. What comes out are words: of shapes, and of nests.
 */

/* Where a number lies, in the order in which rolling.py counts the places. */
enum { AT_PARAMETER, AT_SHARED, AT_LANES, AT_OUTPUT };
/* Shapes: a leaf, constants that are written into the code, or an operation of other shapes. */
static const double IMMEDIATES[] = {0.0, -0.0, 1.0, -1.0, 2.0, 0.5};
enum { IMMEDIATE_COUNT = sizeof(IMMEDIATES) / sizeof(IMMEDIATES[0]) };
enum { SHAPE_OF_LEAF, FIRST_IMMEDIATE, FIRST_OF_OPERATIONS = FIRST_IMMEDIATE + IMMEDIATE_COUNT };
enum { LARGEST = 8 }; /* operations of an expression */
enum { NONE = -1 };

typedef struct {
    int32_t operation, part[3]; /* the shapes of its operands, or NONE */
} Shape;

typedef struct {
    int32_t shape, size, leaves; /* how many operations and leaves it has */
    size_t first;                /* of its leaves */
} Expression;

typedef struct {
    Expression of;
    int32_t next;
} Addend;

/* A head, and what is added to it, one after the other. */
typedef struct {
    Expression head;
    int32_t first, last, count; /* addends */
    int64_t size;               /* operations of all of them, their additions among them */
} Total;

typedef struct {
    int32_t reg, total, level, group;
} Stated; /* a statement */

typedef struct {
    int32_t head, count, shape, level; /* what statements of one level have in common */
} Alike;

typedef struct {
    size_t first, length; /* words that its statements have in common */
    size_t slot;
    int32_t width, begin, end; /* how many places each has; the first of them, and the last */
} Group;

typedef struct {
    int32_t number, next;
    size_t places;
} Member; /* a statement in a group: where its result and its leaves lie */

typedef struct {
    int32_t *word;
    size_t words, room;
} Words;

typedef struct {
    const Lowered *given;
    int32_t most;               /* nests */
    int32_t *uses, *user, *level, *waiting;
    int32_t *output;            /* of a result that is one output and nothing else, its total */
    uint8_t *varies, *place;
    int32_t *number;            /* where each register lies at its place */
    int64_t count[AT_OUTPUT];   /* numbers that lie there */
    Shape *shape;
    size_t shapes, shape_room;
    int32_t *shape_at;          /* by their hashes, plus one */
    size_t shape_slots;
    Addend *addend;
    size_t addends, addend_room;
    Total *total;
    size_t totals, total_room;
    Stated *stated;
    size_t states;
    Words leaf;
    int32_t *slot;              /* of groups, by their hashes, plus one */
    size_t slots;
    Group *group;
    size_t groups, group_room, first_group;
    Words common, places, signature;
    Member *placed;
    size_t placements;
    Words nests;
    int32_t nest_count, of_once;
} Rolling;

static int room_in(Words *words, size_t more)
{
    return room_for_more((void **)&words->word, &words->room, words->words + more, sizeof(int32_t));
}

static int add_word(Words *words, int32_t word)
{
    if (room_in(words, 1) < 0)
        return -1;
    words->word[words->words++] = word;
    return 0;
}

static uint64_t hash_of_words(const int32_t *word, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        hash = mixed(hash, (uint32_t)word[i]);
    return hash;
}

/* ---- Shapes and expressions. -------------------------------------------------------------------- */

static size_t slot_of_shape(const Rolling *self, const Shape *shape)
{
    size_t i = (size_t)hash_of_words(&shape->operation, 4) & (self->shape_slots - 1);
    while (self->shape_at[i] && memcmp(self->shape + self->shape_at[i] - 1, shape, sizeof(Shape)))
        i = (i + 1) & (self->shape_slots - 1);
    return i;
}

static int more_slots_for_shapes(Rolling *self)
{
    size_t slots = self->shape_slots ? self->shape_slots * 2 : 256;
    int32_t *found = calloc(slots, sizeof(int32_t));
    if (!found)
        return -1;
    free(self->shape_at);
    self->shape_at = found;
    self->shape_slots = slots;
    for (size_t i = FIRST_OF_OPERATIONS; i < self->shapes; i++)
        found[slot_of_shape(self, self->shape + i)] = (int32_t)i + 1;
    return 0;
}

/* The number of a shape, which equal ones have in common; -1 without memory. */
static int32_t number_of_shape(Rolling *self, Shape shape)
{
    if (2 * self->shapes >= self->shape_slots && more_slots_for_shapes(self) < 0)
        return -1;
    size_t i = slot_of_shape(self, &shape);
    if (!self->shape_at[i]) {
        if (room_for_more((void **)&self->shape, &self->shape_room, self->shapes + 1, sizeof(Shape)) < 0)
            return -1;
        self->shape[self->shapes++] = shape;
        self->shape_at[i] = (int32_t)self->shapes;
    }
    return self->shape_at[i] - 1;
}

/* An operation of one to three expressions. */
static int operation_on(Rolling *self, int32_t operation, const Expression *part, int count,
                        Expression *found)
{
    Shape shape = {operation, {NONE, NONE, NONE}};
    *found = (Expression){0, 1, 0, self->leaf.words};
    for (int k = 0; k < count; k++) {
        shape.part[k] = part[k].shape;
        found->size += part[k].size;
        found->leaves += part[k].leaves;
    }
    if (room_in(&self->leaf, (size_t)found->leaves + 1) < 0) /* memory there is, be it for none */
        return -1;
    for (int k = 0; k < count; k++) {
        const int32_t *leaves = self->leaf.word + part[k].first;
        memcpy(self->leaf.word + self->leaf.words, leaves, (size_t)part[k].leaves * sizeof(int32_t));
        self->leaf.words += (size_t)part[k].leaves;
    }
    found->shape = number_of_shape(self, shape);
    return found->shape < 0 ? -1 : 0;
}

static int32_t immediate_of(const Lowered *given, int32_t r)
{
    int32_t constant = r - given->inputs - given->parameters;
    if (constant < 0 || constant >= given->constants)
        return NONE;
    for (int32_t k = 0; k < IMMEDIATE_COUNT; k++) /* by their bits, for 0 is not -0 */
        if (!memcmp(given->number + constant, IMMEDIATES + k, sizeof(double)))
            return FIRST_IMMEDIATE + k;
    return NONE;
}

static int leaf_of(Rolling *self, int32_t r, Expression *found)
{
    *found = (Expression){SHAPE_OF_LEAF, 0, 1, self->leaf.words};
    return add_word(&self->leaf, r);
}

/* A register as part of an expression: what waits to be part of it, a constant, or itself. */
static int operand_of(Rolling *self, int32_t r, int32_t addition, Expression *found)
{
    int32_t immediate = immediate_of(self->given, r);
    if (immediate != NONE) {
        *found = (Expression){immediate, 0, 0, 0};
        return 0;
    }
    if (self->waiting[r] == NONE)
        return leaf_of(self, r, found);
    const Total total = self->total[self->waiting[r]];
    self->waiting[r] = NONE;
    *found = total.head;
    for (int32_t k = total.first; k != NONE; k = self->addend[k].next) {
        Expression pair[2] = {*found, self->addend[k].of};
        if (operation_on(self, addition, pair, 2, found) < 0)
            return -1;
    }
    return 0;
}

static int gate_of(Rolling *self, int32_t operation, const int32_t *operand, int count,
                   int32_t addition, Expression *found)
{
    Expression part[3];
    for (int k = 0; k < count; k++)
        if (operand_of(self, operand[k], addition, part + k) < 0)
            return -1;
    return operation_on(self, operation, part, count, found);
}

/* ---- Statements. -------------------------------------------------------------------------------- */

static int add_addend(Rolling *self, Total *total, const Expression *of)
{
    if (self->addends >= INT32_MAX ||
        room_for_more((void **)&self->addend, &self->addend_room, self->addends + 1, sizeof(Addend)) < 0)
        return -1;
    int32_t added = (int32_t)self->addends++;
    self->addend[added] = (Addend){*of, NONE};
    if (total->last == NONE)
        total->first = added;
    else
        self->addend[total->last].next = added;
    total->last = added;
    total->count++;
    total->size += 1 + of->size;
    return 0;
}

/* What a register that is added to has come to: what waits for that, or the register alone. */
static int chain_of(Rolling *self, int32_t r, int32_t addition, Total *found)
{
    if (self->waiting[r] != NONE) {
        *found = self->total[self->waiting[r]];
        self->waiting[r] = NONE;
        return 0;
    }
    *found = (Total){{0}, NONE, NONE, 0, 0};
    return operand_of(self, r, addition, &found->head);
}

typedef struct {
    int32_t add, multiply; /* operations */
} Names;

static int add_products_of(Rolling *self, const int32_t *o, int32_t count, Names names, Total *total)
{
    int32_t half = count / 2;
    for (int32_t k = 1; k <= half; k++) {
        Expression product;
        int32_t pair[2] = {o[k], o[half + k]};
        if (gate_of(self, names.multiply, pair, 2, names.add, &product) < 0 ||
            add_addend(self, total, &product) < 0)
            return -1;
    }
    return 0;
}

/* An instruction as a head and what is added to it. */
static int total_of(Rolling *self, int32_t i, Names names, Total *total)
{
    const Lowered *given = self->given;
    int32_t count, kind = operation_of(given, i)->kind;
    const int32_t *o = operands_of(given, i, &count);
    Expression term;
    *total = (Total){{FIRST_IMMEDIATE, 0, 0, 0}, NONE, NONE, 0, 0};
    switch (kind) {
    case ADD:
        if (chain_of(self, o[0], names.add, total) < 0 ||
            operand_of(self, o[1], names.add, &term) < 0)
            return -1;
        return add_addend(self, total, &term);
    case DOT:
        if (chain_of(self, o[0], names.add, total) < 0)
            return -1;
        return add_products_of(self, o, count, names, total);
    case SUM:
        for (int32_t k = 0; k < count; k++)
            if (operand_of(self, o[k], names.add, &term) < 0 || add_addend(self, total, &term) < 0)
                return -1;
        return 0;
    default:
        return gate_of(self, given->operation[given->code[i]], o, count, names.add, &total->head);
    }
}

/* Whether a result is left to the one expression that needs it. */
static int waits(const Rolling *self, int32_t r, const Total *total)
{
    const Lowered *given = self->given;
    int32_t user = self->user[r], count;
    if (self->uses[r] != 1 || self->varies[r] != self->varies[first_of(given) + user])
        return 0;
    int kind = operation_of(given, user)->kind;
    int is_extended = (kind == ADD || kind == DOT) && operands_of(given, user, &count)[0] == r;
    return is_extended || total->head.size + total->size < LARGEST;
}

static Names names_of_operations(void)
{
    Names names = {0, 0};
    for (int32_t k = 0; k < OPERATION_COUNT; k++) {
        if (OPERATIONS[k].kind == ADD)
            names.add = k;
        if (OPERATIONS[k].kind == MUL)
            names.multiply = k;
    }
    return names;
}

static int make_statements(Rolling *self)
{
    const Lowered *given = self->given;
    const Names names = names_of_operations();
    int32_t r = first_of(given);
    for (int32_t i = 0; i < given->instructions; i++, r++) {
        int32_t count, below = 0;
        const int32_t *o = operands_of(given, i, &count);
        for (int32_t k = 0; k < count; k++)
            below = self->level[o[k]] > below ? self->level[o[k]] : below;
        Total total;
        if (total_of(self, i, names, &total) < 0 ||
            room_for_more((void **)&self->total, &self->total_room, self->totals + 1, sizeof(Total)) < 0)
            return -1;
        int32_t number = (int32_t)self->totals++;
        self->total[number] = total;
        int is_left = waits(self, r, &total);
        self->level[r] = is_left ? below : below + 1;
        if (is_left)
            self->waiting[r] = number;
        else
            self->stated[self->states++] = (Stated){r, number, below + 1, 0};
    }
    return 0;
}

static void find_uses(Rolling *self)
{
    const Lowered *given = self->given;
    int32_t first = first_of(given), size = first + given->instructions;
    for (int32_t r = 0; r < size; r++) {
        self->user[r] = self->waiting[r] = NONE;
        self->varies[r] = r < given->inputs;
        self->place[r] = r < given->inputs                       ? AT_LANES
                         : r < given->inputs + given->parameters ? AT_PARAMETER
                                                                 : AT_SHARED;
        self->number[r] = r < given->inputs                       ? r
                          : r < given->inputs + given->parameters ? r - given->inputs
                                                                  : r - given->inputs - given->parameters;
    }
    for (int32_t i = 0; i < given->instructions; i++) {
        int32_t count;
        const int32_t *o = operands_of(given, i, &count);
        for (int32_t k = 0; k < count; k++) {
            self->uses[o[k]]++;
            self->user[o[k]] = i;
            self->varies[first + i] |= self->varies[o[k]];
        }
    }
    for (int32_t k = 0; k < given->outputs; k++)
        self->uses[given->output[k]] += 2; /* never to be part of another expression */
    self->count[AT_SHARED] = given->constants;
    self->count[AT_LANES] = given->inputs;
}

/* ---- Nests. ------------------------------------------------------------------------------------- */

static int add_leaves(Rolling *self, const Expression *of, int only_kinds)
{
    const int32_t *leaf = self->leaf.word + of->first;
    Words *words = only_kinds ? &self->signature : &self->places;
    if (room_in(words, (size_t)of->leaves) < 0)
        return -1;
    for (int32_t k = 0; k < of->leaves; k++)
        words->word[words->words++] = only_kinds ? self->place[leaf[k]] : self->number[leaf[k]];
    return 0;
}

/* Terms that are alike and lie at even distances, from an addend on; gives the first one after
   them. */
static int add_segment(Rolling *self, int32_t *addend)
{
    const Expression *first = &self->addend[*addend].of, *last = first;
    const size_t leaves = (size_t)first->leaves;
    Words *to = &self->signature;
    if (room_in(to, 3 + 2 * leaves) < 0 || add_leaves(self, first, 0) < 0)
        return -1;
    int32_t *word = to->word + to->words, *step = word + 3 + leaves, count = 1, next;
    word[0] = first->shape;
    word[1] = first->leaves;
    const int32_t *of_first = self->leaf.word + first->first;
    for (size_t k = 0; k < leaves; k++) {
        word[3 + k] = self->place[of_first[k]];
        step[k] = 0;
    }
    for (next = self->addend[*addend].next; next != NONE; next = self->addend[next].next, count++) {
        const Expression *here = &self->addend[next].of;
        if (here->shape != first->shape)
            break;
        const int32_t *leaf = self->leaf.word + here->first, *before = self->leaf.word + last->first;
        size_t k = 0;
        for (; k < leaves; k++)
            if (self->place[leaf[k]] != word[3 + k] ||
                (count > 1 && self->number[leaf[k]] - self->number[before[k]] != step[k]))
                break;
        if (k < leaves)
            break;
        if (count == 1)
            for (k = 0; k < leaves; k++)
                step[k] = self->number[leaf[k]] - self->number[before[k]];
        last = here;
    }
    word[2] = count;
    to->words += 3 + 2 * leaves;
    *addend = next;
    return 0;
}

/* What a statement has in common with others of its nest, and where its target and leaves lie. */
static int write_signature(Rolling *self, const Total *total, int32_t number)
{
    self->signature.words = 0;
    if (add_word(&self->places, number) < 0 || add_leaves(self, &total->head, 0) < 0 ||
        add_word(&self->signature, total->head.shape) < 0 ||
        add_word(&self->signature, total->head.leaves) < 0 || add_leaves(self, &total->head, 1) < 0)
        return -1;
    for (int32_t addend = total->first; addend != NONE;)
        if (add_segment(self, &addend) < 0)
            return -1;
    return 0;
}

static size_t slot_of_group(const Rolling *self)
{
    const Words *words = &self->signature;
    size_t i = (size_t)hash_of_words(words->word, words->words) & (self->slots - 1);
    for (; self->slot[i]; i = (i + 1) & (self->slots - 1)) {
        const Group *group = self->group + self->slot[i] - 1;
        if (group->length == words->words &&
            !memcmp(self->common.word + group->first, words->word, words->words * sizeof(int32_t)))
            break;
    }
    return i;
}

/* Put a statement, whose result gets a number, into the group of those that look alike. */
static int add_to_group(Rolling *self, const Total *total, int32_t number)
{
    const size_t places = self->places.words;
    if (write_signature(self, total, number) < 0)
        return -1;
    size_t i = slot_of_group(self);
    if (!self->slot[i]) {
        const Words *words = &self->signature;
        if (room_for_more((void **)&self->group, &self->group_room, self->groups + 1, sizeof(Group)) < 0 ||
            room_in(&self->common, words->words) < 0)
            return -1;
        int32_t width = (int32_t)(self->places.words - places);
        self->group[self->groups++] =
            (Group){self->common.words, words->words, i, width, NONE, NONE};
        self->slot[i] = (int32_t)self->groups;
        memcpy(self->common.word + self->common.words, words->word, words->words * sizeof(int32_t));
        self->common.words += words->words;
    }
    Group *group = self->group + self->slot[i] - 1;
    int32_t placed = (int32_t)self->placements++;
    self->placed[placed] = (Member){number, NONE, places};
    if (group->begin == NONE)
        group->begin = placed;
    else
        self->placed[group->end].next = placed;
    group->end = placed;
    return 0;
}

/* Places at even distances: where the first and the last lie, and how many they are. */
typedef struct {
    const int32_t *first, *last;
    int32_t *step, count;
} Even;

static int even_takes(Even *run, const int32_t *here, int32_t width)
{
    if (run->count > 1)
        for (int32_t k = 0; k < width; k++)
            if (here[k] - run->last[k] != run->step[k])
                return 0;
    if (run->count == 1)
        for (int32_t k = 0; k < width; k++)
            run->step[k] = here[k] - run->last[k];
    run->last = here;
    run->count++;
    return 1;
}

static void begin_even(Even *run, const int32_t *here, int32_t width)
{
    run->first = run->last = here;
    run->count = 1;
    memset(run->step, 0, (size_t)width * sizeof(int32_t));
}

/* Two loops, one in the other, as words; 1 when there are too many. */
static int write_nest(Rolling *self, const Group *group, int32_t place, const Even *outer,
                      const Even *inner)
{
    if (++self->nest_count > self->most)
        return 1;
    const size_t width = (size_t)group->width;
    Words *to = &self->nests;
    if (room_in(to, 5 + group->length + 3 * width) < 0)
        return -1;
    int32_t head[] = {place, outer->count, inner->count, (int32_t)group->length, group->width};
    memcpy(to->word + to->words, head, sizeof(head));
    int32_t *word = to->word + to->words + 5;
    memcpy(word, self->common.word + group->first, group->length * sizeof(int32_t));
    word += group->length;
    memcpy(word, outer->first, width * sizeof(int32_t));
    memcpy(word + width, outer->step, width * sizeof(int32_t));
    memcpy(word + 2 * width, inner->step, width * sizeof(int32_t));
    to->words += 5 + group->length + 3 * width;
    return 0;
}

/* An even run of statements goes on with the loop over such runs, or begins another one. */
static int add_to_loop(Rolling *self, const Group *group, int32_t place, Even *outer, Even *inner,
                       const Even *run)
{
    const size_t bytes = (size_t)group->width * sizeof(int32_t);
    if (outer->count && inner->count == run->count && !memcmp(inner->step, run->step, bytes) &&
        even_takes(outer, run->first, group->width))
        return 0;
    int done = outer->count ? write_nest(self, group, place, outer, inner) : 0;
    begin_even(outer, run->first, group->width);
    inner->count = run->count;
    memcpy(inner->step, run->step, bytes);
    return done;
}

static int add_loops(Rolling *self, const Group *group, int32_t place)
{
    const size_t width = (size_t)group->width;
    int32_t *steps = calloc(3 * width, sizeof(int32_t));
    if (!steps)
        return -1;
    Even run = {NULL, NULL, steps, 0}, inner = {NULL, NULL, steps + width, 0};
    Even outer = {NULL, NULL, steps + 2 * width, 0};
    int done = 0;
    for (int32_t k = group->begin; !done && k != NONE; k = self->placed[k].next) {
        const int32_t *here = self->places.word + self->placed[k].places;
        if (run.count && even_takes(&run, here, group->width))
            continue;
        if (run.count)
            done = add_to_loop(self, group, place, &outer, &inner, &run);
        begin_even(&run, here, group->width);
    }
    if (!done)
        done = add_to_loop(self, group, place, &outer, &inner, &run);
    if (!done)
        done = write_nest(self, group, place, &outer, &inner);
    free(steps);
    return done;
}

/* The nests of what has been put into groups since the last time; 1 when they are too many. */
static int add_nests(Rolling *self, int32_t place)
{
    int done = 0;
    for (size_t g = 0; g < self->groups; g++) {
        if (!done)
            done = add_loops(self, self->group + g, place);
        self->slot[self->group[g].slot] = 0;
    }
    self->groups = self->common.words = self->places.words = self->placements = 0;
    return done;
}

/* ---- Statements in their order. ----------------------------------------------------------------- */

static int32_t key_of(const Stated *stated, int by_group)
{
    return by_group ? stated->group : stated->level;
}

/* Sort statements by level or group, whose numbers are below `most`; equal ones stay in order. */
static int sort_statements(Stated *stated, size_t count, int by_group, size_t most)
{
    size_t *start = calloc(most + 1, sizeof(size_t));
    Stated *sorted = malloc((count + 1) * sizeof(Stated));
    if (start && sorted) {
        for (size_t i = 0; i < count; i++)
            start[key_of(stated + i, by_group) + 1]++;
        for (size_t k = 0; k < most; k++)
            start[k + 1] += start[k];
        for (size_t i = 0; i < count; i++)
            sorted[start[key_of(stated + i, by_group)]++] = stated[i];
        memcpy(stated, sorted, count * sizeof(Stated));
    }
    int done = start && sorted ? 0 : -1;
    free(start);
    free(sorted);
    return done;
}

static Alike alike_of(const Rolling *self, const Stated *stated)
{
    const Total *total = self->total + stated->total;
    int32_t shape = total->count ? self->addend[total->first].of.shape : NONE;
    return (Alike){total->head.shape, total->count, shape, stated->level};
}

/* Number the groups of statements that are sorted by level, in the order in which they come; gives
   how many there are, or -1. */
static int64_t number_groups(const Rolling *self, Stated *stated, size_t count)
{
    size_t slots = 64, groups = 0;
    while (slots < 2 * count)
        slots *= 2;
    int32_t *slot = calloc(slots, sizeof(int32_t));
    Alike *alike = malloc((count + 1) * sizeof(Alike));
    for (size_t n = 0; slot && alike && n < count; n++) {
        const Alike here = alike_of(self, stated + n);
        size_t i = (size_t)hash_of_words(&here.head, 4) & (slots - 1);
        while (slot[i] && memcmp(alike + slot[i] - 1, &here, sizeof(Alike)))
            i = (i + 1) & (slots - 1);
        if (!slot[i]) {
            alike[groups++] = here;
            slot[i] = (int32_t)groups;
        }
        stated[n].group = slot[i] - 1;
    }
    int64_t found = slot && alike ? (int64_t)groups : -1;
    free(slot);
    free(alike);
    return found;
}

/* The nests of statements whose results get places of their own, side by side where statements look
   alike. */
static int place_statements(Rolling *self, Stated *stated, size_t count, int32_t place)
{
    const size_t levels = (size_t)self->given->instructions + 2;
    if (sort_statements(stated, count, 0, levels) < 0)
        return -1;
    int64_t groups = number_groups(self, stated, count);
    if (groups < 0 || sort_statements(stated, count, 1, (size_t)groups) < 0)
        return -1;
    for (size_t i = 0, end; i < count; i = end) {
        int32_t number = (int32_t)self->count[place];
        for (end = i; end < count && stated[end].level == stated[i].level; end++)
            if (add_to_group(self, self->total + stated[end].total,
                             number + (int32_t)(end - i)) < 0)
                return -1;
        int done = add_nests(self, place);
        if (done)
            return done;
        for (size_t k = i; k < end; k++) {
            self->place[stated[k].reg] = (uint8_t)place;
            self->number[stated[k].reg] = number + (int32_t)(k - i);
        }
        self->count[place] += (int64_t)(end - i);
    }
    return 0;
}

/* What gives the outputs: statements of which nothing else is needed, or results once more. */
static int place_outputs(Rolling *self)
{
    const Lowered *given = self->given;
    for (int32_t k = 0; k < given->outputs; k++) {
        int32_t r = given->output[k];
        Total total = {{0}, NONE, NONE, 0, 0};
        if (self->output[r] != NONE)
            total = self->total[self->output[r]];
        else if (leaf_of(self, r, &total.head) < 0)
            return -1;
        if (add_to_group(self, &total, k) < 0)
            return -1;
    }
    return add_nests(self, AT_OUTPUT);
}

/* Roll up; 0, 1 when it comes to too many nests, or -1 without memory. */
static int roll_up(Rolling *self)
{
    const Lowered *given = self->given;
    find_uses(self);
    if (make_statements(self) < 0)
        return -1;
    for (int32_t k = 0; k < given->outputs; k++)
        self->output[given->output[k]] = AN_OUTPUT;
    /* those that depend on no point go to the front; those that are one output and nothing else,
       nowhere */
    Stated *stated = self->stated, *rest = self->stated + self->states;
    size_t once = 0, each = 0;
    for (size_t i = 0; i < self->states; i++) {
        int32_t r = stated[i].reg;
        if (!self->varies[r])
            stated[once++] = stated[i];
        else if (self->output[r] == AN_OUTPUT && self->uses[r] == 2)
            self->output[r] = stated[i].total;
        else
            rest[each++] = stated[i];
    }
    for (int32_t k = 0; k < given->outputs; k++)
        if (self->output[given->output[k]] == AN_OUTPUT)
            self->output[given->output[k]] = NONE;
    int done = place_statements(self, stated, once, AT_SHARED);
    self->of_once = self->nest_count;
    if (!done)
        done = place_statements(self, rest, each, AT_LANES);
    return done ? done : place_outputs(self);
}

/* ---- For Python. -------------------------------------------------------------------------------- */

static int take_memory(Rolling *self)
{
    const Lowered *given = self->given;
    const size_t instructions = (size_t)given->instructions;
    const size_t size = (size_t)first_of(given) + instructions + 1;
    const size_t most = instructions + (size_t)given->outputs + 1;
    self->slots = 64;
    while (self->slots < 2 * most)
        self->slots *= 2;
    self->uses = calloc(size, sizeof(int32_t));
    self->user = malloc(size * sizeof(int32_t));
    self->level = calloc(size, sizeof(int32_t));
    self->waiting = malloc(size * sizeof(int32_t));
    self->number = malloc(size * sizeof(int32_t));
    self->output = malloc(size * sizeof(int32_t));
    self->varies = malloc(size);
    self->place = malloc(size);
    self->stated = malloc(2 * most * sizeof(Stated));
    self->placed = malloc(most * sizeof(Member));
    self->slot = calloc(self->slots, sizeof(int32_t));
    if (!self->uses || !self->user || !self->level || !self->waiting || !self->number ||
        !self->output || !self->varies || !self->place || !self->stated || !self->placed ||
        !self->slot)
        return -1;
    for (size_t r = 0; r < size; r++)
        self->output[r] = NONE;
    self->shapes = FIRST_OF_OPERATIONS;
    return room_for_more((void **)&self->shape, &self->shape_room, self->shapes, sizeof(Shape));
}

static void free_rolling(Rolling *self)
{
    void *memory[] = {self->uses,   self->user,        self->level,        self->waiting,
                      self->number, self->output,      self->varies,       self->place,
                      self->stated, self->placed,      self->slot,         self->shape,
                      self->shape_at, self->addend,    self->total,        self->leaf.word,
                      self->group,  self->common.word, self->places.word,  self->signature.word,
                      self->nests.word};
    for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
        free(memory[i]);
}

static PyObject *as_words(const Rolling *self)
{
    const Shape *shape = self->shape + FIRST_OF_OPERATIONS;
    const size_t shapes = self->shapes - FIRST_OF_OPERATIONS;
    PyObject *of_shapes =
        PyBytes_FromStringAndSize((const char *)shape, (Py_ssize_t)(shapes * sizeof(Shape)));
    PyObject *of_nests = PyBytes_FromStringAndSize(
        (const char *)self->nests.word, (Py_ssize_t)(self->nests.words * sizeof(int32_t)));
    PyObject *found = NULL;
    if (of_shapes && of_nests)
        found = Py_BuildValue("OOiLL", of_shapes, of_nests, self->of_once,
                              (long long)self->count[AT_SHARED], (long long)self->count[AT_LANES]);
    Py_XDECREF(of_shapes);
    Py_XDECREF(of_nests);
    return found;
}

/* The arrays of a program, which nobody else can write into; NULL without memory. */
static void *copied_arrays(Lowered *given)
{
    const size_t operands = (size_t)given->start[given->instructions];
    const size_t doubles = (size_t)given->constants;
    const size_t counts[] = {(size_t)given->instructions, (size_t)given->instructions + 1, operands,
                             (size_t)given->outputs};
    const int32_t **arrays[] = {&given->code, &given->start, &given->operand, &given->output};
    size_t bytes = doubles * sizeof(double) + 1;
    for (int k = 0; k < 4; k++)
        bytes += counts[k] * sizeof(int32_t);
    char *memory = malloc(bytes), *to = memory;
    if (!memory)
        return NULL;
    if (doubles)
        memcpy(to, given->number, doubles * sizeof(double));
    given->number = (const double *)to;
    to += doubles * sizeof(double);
    for (int k = 0; k < 4; k++) {
        if (counts[k])
            memcpy(to, *arrays[k], counts[k] * sizeof(int32_t));
        *arrays[k] = (const int32_t *)to;
        to += counts[k] * sizeof(int32_t);
    }
    return memory;
}

static PyObject *rolled_of(const Lowered *lowered, int most)
{
    Lowered given = *lowered;
    void *memory = copied_arrays(&given);
    Rolling self = {0};
    self.given = &given;
    self.most = most;
    int done = memory ? take_memory(&self) : -1;
    if (!done) {
        PyThreadState *thread = PyEval_SaveThread();
        done = roll_up(&self);
        PyEval_RestoreThread(thread);
    }
    PyObject *found = NULL;
    if (done < 0)
        PyErr_NoMemory();
    else if (done > 0)
        found = Py_NewRef(Py_None);
    else
        found = as_words(&self);
    free_rolling(&self);
    free(memory);
    return found;
}

/* rolled(inputs, parameters, operations, constants, codes, starts, operands, outputs, most): the
   program in words: of shapes, and of nests; how many of these run once for a call; and how many
   numbers lie with what all points have in common, and in lanes. None when it comes to more than so
   many nests. */
static PyObject *heart_rolled(PyObject *module, PyObject *args)
{
    return with_program(args, rolled_of);
}
