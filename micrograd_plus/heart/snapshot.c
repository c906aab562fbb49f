/* A snapshot of a graph: what a tape keeps of it, to make programs of when they are asked for.
 *
 * It has the nodes in their order, with the row and the operands of each, and no node: so nothing
 * that is done to the graph afterwards changes it. Two graphs with equal snapshots compute the same
 * from what varies.
 */

#if defined(_MSC_VER)
#define ALWAYS_INLINE __forceinline
#elif defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

/* Make room for so many items in an array; 0, or -1 without memory and without an exception. */
static int room_for_more(void **memory, size_t *room, size_t needed, size_t size)
{
    if (needed <= *room)
        return 0;
    size_t more = *room ? *room : 64;
    while (more < needed)
        more *= 2;
    void *found = more > SIZE_MAX / 2 / size ? NULL : realloc(*memory, more * size);
    if (!found)
        return -1;
    *memory = found;
    *room = more;
    return 0;
}

/* The same, with an exception. */
static int enlarged(void **memory, size_t *room, size_t needed, size_t size)
{
    int done = room_for_more(memory, room, needed, size);
    if (done < 0)
        PyErr_NoMemory();
    return done;
}

#define ENLARGED(array, room, needed) \
    enlarged((void **)&(array), &(room), (needed), sizeof(*(array)))

/* ---- A table of rows. ------------------------------------------------------------------------ */

/* Rows, each once and with a reference, in the order in which they were met. */
typedef struct {
    uint64_t id; /* rows note in which table they are, and where */
    Row **row;
    size_t rows, room;
} Table;

static uint64_t tables; /* how many were begun */

static void begin_table(Table *table)
{
    memset(table, 0, sizeof(Table));
    table->id = ++tables;
}

static void end_table(Table *table)
{
    for (size_t i = 0; i < table->rows; i++)
        Py_DECREF((PyObject *)table->row[i]);
    free(table->row);
    table->row = NULL;
    table->rows = 0;
}

static int add_row(Table *table, Row *row)
{
    size_t i = 0;
    while (i < table->rows && table->row[i] != row) /* another table has met it meanwhile */
        i++;
    if (i == table->rows) {
        if (ENLARGED(table->row, table->room, i + 1) < 0)
            return -1;
        table->row[table->rows++] = (Row *)Py_NewRef((PyObject *)row);
    }
    row->in_table = table->id;
    row->code = (int32_t)i;
    return 0;
}

/* The place that a row has in the table from now on. */
static inline int code_in(Table *table, Row *row, int32_t *code)
{
    if (row->in_table != table->id && add_row(table, row) < 0)
        return -1;
    *code = row->code;
    return 0;
}

/* ---- Snapshots. ------------------------------------------------------------------------------ */

enum { A_NUMBER = -1 };

typedef struct {
    int32_t code;  /* of its row in the table, or A_NUMBER */
    uint32_t size; /* how many operands it has; of a number, its place among the numbers */
} Gate;

/* An operand is the place of a node, first those in order and then what varies, or that of a number
   behind them all. */
typedef struct {
    PyObject_HEAD
    size_t count, all; /* nodes in order, and with what varies */
    Gate *gates;
    uint32_t *operands;
    size_t edges;
    double *numbers;
    size_t numbered, leaves; /* leaves: how many of them are nodes */
    uint32_t *outputs;
    size_t given;
    Table table;
    uint32_t *labelled; /* the nodes that have labels, and these */
    PyObject **labels;
    size_t named;
    char is_stale; /* an operand was edited after its user was computed */
} Snapshot;

static PyTypeObject *SnapshotType;

static int snapshot_traverse(PyObject *object, visitproc visit, void *arg)
{
    Snapshot *self = (Snapshot *)object;
    Py_VISIT(Py_TYPE(object));
    for (size_t i = 0; i < self->table.rows; i++)
        Py_VISIT((PyObject *)self->table.row[i]);
    for (size_t i = 0; i < self->named; i++)
        Py_VISIT(self->labels[i]);
    return 0;
}

/* A row closes a cycle by way of its functions, and is cleared there. */
static void snapshot_dealloc(PyObject *object)
{
    Snapshot *self = (Snapshot *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    end_table(&self->table);
    for (size_t i = 0; i < self->named; i++)
        Py_DECREF(self->labels[i]);
    free(self->gates);
    free(self->operands);
    free(self->numbers);
    free(self->outputs);
    free(self->labelled);
    free(self->labels);
    PyObject_GC_Del(object);
    Py_DECREF((PyObject *)type);
}

/* How many numbers and labels there are, so that memory is asked for once. */
static void count_parts(Snapshot *self, const Order *order)
{
    const uint32_t *o = order->operands;
    self->edges = order->edges;
    self->count = order->count;
    self->all = order->all;
    self->is_stale = (char)order->stale;
    for (size_t i = 0; i < order->edges; i++)
        self->numbered += o[i] == NO_PLACE;
    for (size_t i = 0; i < order->count; i++)
        self->leaves += !order->placed[i].row;
    self->numbered += self->leaves;
    for (size_t i = 0; i < order->all; i++)
        self->named += (size_t)order->placed[i].is_named;
}

static int has_memory(Snapshot *self)
{
    self->gates = malloc((self->count + 1) * sizeof(Gate));
    self->operands = malloc((self->edges + 1) * sizeof(uint32_t));
    self->numbers = malloc((self->numbered + self->given + 1) * sizeof(double));
    self->outputs = malloc((self->given + 1) * sizeof(uint32_t));
    self->labelled = malloc((self->named + 1) * sizeof(uint32_t));
    self->labels = malloc((self->named + 1) * sizeof(PyObject *));
    return self->gates && self->operands && self->numbers && self->outputs && self->labelled &&
           self->labels;
}

static inline uint32_t place_of_number(Snapshot *self, double number)
{
    self->numbers[self->numbered] = number;
    return (uint32_t)(self->all + self->numbered++);
}

static int note_gates(Snapshot *self, const Order *order)
{
    const uint32_t *from = order->operands;
    uint32_t *to = self->operands;
    for (size_t i = 0; i < order->count; i++) {
        const Placed *placed = order->placed + i;
        Gate *gate = self->gates + i;
        if (!placed->row) {
            *gate = (Gate){A_NUMBER, place_of_number(self, placed->primal) - (uint32_t)self->all};
            continue;
        }
        gate->size = placed->size;
        if (code_in(&self->table, placed->row, &gate->code) < 0)
            return -1;
        for (uint32_t k = 0; k < placed->size; k++, from++)
            *to++ = *from == NO_PLACE
                        ? place_of_number(self, number_in(placed->node->operands[k]))
                        : *from;
    }
    return 0;
}

static void note_labels(Snapshot *self, const Order *order)
{
    self->named = 0;
    for (size_t i = 0; i < order->all; i++)
        if (order->placed[i].is_named) {
            self->labels[self->named] = Py_NewRef(order->placed[i].node->label);
            self->labelled[self->named++] = (uint32_t)i;
        }
}

/* An empty snapshot. The collector may run, and Python in it, so it is made before the order is. */
static Snapshot *new_snapshot(void)
{
    Snapshot *self = PyObject_GC_New(Snapshot, SnapshotType);
    if (!self)
        return NULL;
    memset(&self->count, 0, sizeof(Snapshot) - offsetof(Snapshot, count));
    begin_table(&self->table);
    return self;
}

/* Keep an order and its outputs, nodes of it or floats; -1 with an exception. No Python runs. */
static int keep_order(Snapshot *self, const Order *order, PyObject *outputs)
{
    self->given = (size_t)PyTuple_Size(outputs);
    count_parts(self, order);
    int done = has_memory(self) ? 0 : -1;
    if (done < 0)
        PyErr_NoMemory();
    else if (self->all + self->numbered + self->given >= NO_PLACE) {
        PyErr_SetString(PyExc_OverflowError, "a graph has at most 2**32 nodes and numbers");
        done = -1;
    }
    self->numbered = 0;
    if (done == 0 && (done = note_gates(self, order)) == 0)
        note_labels(self, order);
    else
        self->named = 0;
    for (size_t i = 0; i < self->given && done == 0; i++) {
        PyObject *o = PyTuple_GetItem(outputs, (Py_ssize_t)i);
        self->outputs[i] =
            IS_FLOAT(o) ? place_of_number(self, PyFloat_AsDouble(o)) : ((Node *)o)->place;
    }
    return done;
}

static int are_same_numbers(const double *x, const double *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(x + i, y + i, sizeof(double)) && (x[i] == x[i] || y[i] == y[i]))
            return 0;
    return 1;
}

/* same(other): whether both graphs have the same gates, on what varies and on the same numbers,
   and none has an operand that was edited after its user was computed. */
static PyObject *snapshot_same(PyObject *object, PyObject *argument)
{
    const Snapshot *x = (Snapshot *)object, *y = (Snapshot *)argument;
    if (Py_TYPE(argument) != SnapshotType)
        return PyErr_Format(PyExc_TypeError, "a snapshot is the same as another one, or not");
    int is_same = !x->is_stale && !y->is_stale && x->count == y->count && x->all == y->all &&
                  x->edges == y->edges && x->numbered == y->numbered && x->given == y->given &&
                  x->table.rows == y->table.rows;
    is_same = is_same && !memcmp(x->gates, y->gates, x->count * sizeof(Gate)) &&
              !memcmp(x->operands, y->operands, x->edges * sizeof(uint32_t)) &&
              !memcmp(x->outputs, y->outputs, x->given * sizeof(uint32_t)) &&
              are_same_numbers(x->numbers, y->numbers, x->numbered);
    for (size_t i = 0; is_same && i < x->table.rows; i++)
        is_same = x->table.row[i] == y->table.row[i];
    return PyBool_FromLong(is_same);
}

/* rows(): the rows that the graph uses. */
static PyObject *snapshot_rows(PyObject *object, PyObject *unused)
{
    const Snapshot *self = (Snapshot *)object;
    PyObject *rows = PyList_New(0);
    for (size_t i = 0; rows && i < self->table.rows; i++)
        if (PyList_Append(rows, self->table.row[i]->primitive) < 0)
            Py_CLEAR(rows);
    return rows;
}

/* about() -> nodes; how many of them are leaves that do not vary */
static PyObject *snapshot_about(PyObject *object, PyObject *unused)
{
    const Snapshot *self = (Snapshot *)object;
    return Py_BuildValue("nn", (Py_ssize_t)self->count, (Py_ssize_t)self->leaves);
}
