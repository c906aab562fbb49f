/* The order of a graph: operands before their users, from left to right, each node once; with the
 * place of every operand, so that sweeps need neither dictionaries nor the nodes' own scratch.
 *
 * While an order is made no Python runs, so no other thread meets the places in the nodes.
 */

#define NO_PLACE UINT32_MAX
#define OPEN (UINT32_C(1) << 31)
#define MOST_NODES (UINT32_C(1) << 30)

/* What a sweep must know of a node lies side by side: it need not go to the nodes again. */
typedef struct {
    Node *node; /* a reference of its own */
    Row *row;
    double primal;
    uint32_t size;
    char is_named; /* whether it has a label */
} Placed;

typedef struct {
    Placed *placed; /* first those in order, then those outside */
    size_t count, all, room;
    uint32_t *operands; /* places of all operands, node by node; NO_PLACE for a constant */
    size_t edges, edge_room;
    int stale, cyclic;  /* an operand changed after its user was computed; there is no order */
} Order;

typedef struct {
    Node *node;
    uint32_t next;
} Frame;

/* Memory that the last sweep or recording used waits for the next one, so that small ones need not ask for any,
   and large ones not for pages of their own. */
enum { OF_PLACED, OF_OPERANDS, OF_FRAMES, OF_NUMBERS, OF_LINES, OF_LINE_OPERANDS, OF_USERS, OF_RINGS,
       OF_SLOTS, USES };
enum { MOST_SPARED = 1 << 22 }; /* bytes */
static struct {
    void *memory;
    size_t bytes;
} spare[USES];

static void *taken(int use, size_t *bytes)
{
    void *memory = spare[use].memory;
    *bytes = memory ? spare[use].bytes : 0;
    spare[use].memory = NULL;
    return memory;
}

static void spared(int use, void *memory, size_t bytes)
{
    if (bytes <= MOST_SPARED && !spare[use].memory) {
        spare[use].memory = memory;
        spare[use].bytes = bytes;
    } else
        free(memory);
}

static void release(Order *order)
{
    for (size_t i = 0; i < order->all; i++)
        Py_DECREF((PyObject *)order->placed[i].node);
    spared(OF_PLACED, order->placed, order->room * sizeof(Placed));
    spared(OF_OPERANDS, order->operands, order->edge_room * sizeof(uint32_t));
}

static inline int is_placed(const Order *order, const Node *v)
{
    return v->place < order->all && order->placed[v->place].node == v;
}

static int grown(void **memory, size_t *room, size_t needed, size_t size, int use)
{
    if (!*memory) {
        size_t bytes;
        *memory = taken(use, &bytes);
        *room = bytes / size;
    }
    if (needed <= *room)
        return 0;
    size_t more = *room ? *room * 2 : 256;
    while (more < needed)
        more *= 2;
    void *found = needed > MOST_NODES * (size_t)8 ? NULL : realloc(*memory, more * size);
    if (!found) {
        PyErr_NoMemory();
        return -1;
    }
    *memory = found;
    *room = more;
    return 0;
}

/* Give a node the next place. */
static inline int place(Order *order, Node *v)
{
    if (order->all == order->room &&
        (order->all >= MOST_NODES || grown((void **)&order->placed, &order->room, order->all + 1,
                                           sizeof(Placed), OF_PLACED) < 0)) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_OverflowError, "a graph has at most 2**30 nodes");
        return -1;
    }
    v->place = (uint32_t)order->all;
    Py_INCREF((PyObject *)v);
    order->placed[order->all++] = (Placed){v, v->row, v->primal, SIZE_OF(v), v->label != NULL};
    return 0;
}

/* Note the places of a node's operands, which have theirs. */
static inline int note_operands(Order *order, Node *v)
{
    uint32_t size = SIZE_OF(v);
    if (order->edges + size > order->edge_room &&
        grown((void **)&order->operands, &order->edge_room, order->edges + size,
              sizeof(uint32_t), OF_OPERANDS) < 0)
        return -1;
    uint32_t *to = order->operands + order->edges;
    order->edges += size;
    for (uint32_t i = 0; i < size; i++) {
        PyObject *o = v->operands[i];
        if (IS_FLOAT(o))
            to[i] = NO_PLACE;
        else {
            to[i] = ((Node *)o)->place;
            order->stale |= ((Node *)o)->clock > v->clock;
        }
    }
    return 0;
}

typedef struct {
    Frame *frames;
    size_t depth, room;
} Stack;

static inline int push(Stack *stack, Node *v)
{
    if (stack->depth == stack->room &&
        grown((void **)&stack->frames, &stack->room, stack->depth + 1, sizeof(Frame),
              OF_FRAMES) < 0)
        return -1;
    v->place = OPEN | (uint32_t)stack->depth;
    stack->frames[stack->depth++] = (Frame){v, 0};
    return 0;
}

static inline int is_open(const Stack *stack, const Node *v)
{
    uint32_t depth = v->place & ~OPEN;
    return v->place & OPEN && depth < stack->depth && stack->frames[depth].node == v;
}

/* Where a walk must not go on: nodes that are done before it begins. They have places of their own,
   from the top down, until the order is closed. */
typedef struct {
    Node **nodes;
    size_t count;
} Stops;

static inline int is_stop(const Stops *stops, const Node *v)
{
    uint32_t from_top = (OPEN - 1) - v->place; /* all of them lie just below OPEN */
    return from_top < stops->count && stops->nodes[from_top] == v;
}

static void place_stops(Stops *stops)
{
    for (size_t i = 0; i < stops->count; i++)
        stops->nodes[i]->place = (OPEN - 1) - (uint32_t)i;
}

/* Add a root and all that it depends on. */
static int walk(Order *order, Stack *stack, const Stops *stops, Node *root)
{
    if (is_placed(order, root) || is_stop(stops, root))
        return 0;
    if (push(stack, root) < 0)
        return -1;
    while (stack->depth) {
        Frame *top = stack->frames + stack->depth - 1;
        Node *v = top->node, *below = NULL;
        uint32_t size = SIZE_OF(v);
        while (top->next < size) {
            PyObject *o = v->operands[top->next++];
            if (IS_FLOAT(o) || is_placed(order, (Node *)o) || is_stop(stops, (Node *)o))
                continue;
            below = (Node *)o;
            if (SIZE_OF(below))
                break;
            if (place(order, below) < 0) /* a leaf */
                return -1;
            below = NULL;
        }
        if (!below) {
            stack->depth--;
            if (place(order, v) < 0 || note_operands(order, v) < 0)
                return -1;
        } else if (is_open(stack, below)) {
            order->cyclic = 1;
            return 0;
        } else if (push(stack, below) < 0)
            return -1;
    }
    return 0;
}

/* The order of all that the roots depend on. Stops that are met lie outside it, behind. */
static int order_of(Order *order, Node **roots, size_t count, Stops *stops)
{
    Stack stack = {NULL, 0, 0};
    int done = 0;
    memset(order, 0, sizeof(Order));
    place_stops(stops);
    for (size_t i = 0; i < count && done == 0 && !order->cyclic; i++)
        done = walk(order, &stack, stops, roots[i]);
    spared(OF_FRAMES, stack.frames, stack.room * sizeof(Frame));
    order->count = order->all;
    if (done == 0 && stops->count) {
        uint32_t *o = order->operands, first = (uint32_t)order->count;
        for (size_t i = 0; i < stops->count && done == 0; i++)
            if (is_stop(stops, stops->nodes[i])) /* named twice, it has its place */
                done = place(order, stops->nodes[i]);
        int is_each_once = order->all - order->count == stops->count;
        for (size_t i = 0; i < order->edges; i++) {
            if (o[i] == NO_PLACE || o[i] < order->all)
                continue;
            uint32_t stop = (OPEN - 1) - o[i];
            o[i] = is_each_once ? first + stop : stops->nodes[stop]->place;
        }
    }
    return done;
}

/* A list of nodes as the order that it is; operands that it lacks lie outside. Returns 1 when it
   holds anything but nodes. */
static int order_from(Order *order, PyObject *list)
{
    memset(order, 0, sizeof(Order));
    Py_ssize_t count = PyList_Size(list);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *v = PyList_GetItem(list, i);
        if (!IS_NODE(v))
            return 1;
        if (place(order, (Node *)v) < 0)
            return -1;
    }
    order->count = order->all;
    for (size_t i = 0; i < order->count; i++) {
        Node *v = order->placed[i].node;
        for (uint32_t k = 0; k < SIZE_OF(v); k++) {
            PyObject *o = v->operands[k];
            if (!IS_FLOAT(o) && !is_placed(order, (Node *)o) && place(order, (Node *)o) < 0)
                return -1;
        }
        if (note_operands(order, v) < 0)
            return -1;
    }
    return 0;
}

static PyObject *list_of(const Order *order, const char *chosen)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < order->count; i++)
        if ((!chosen || chosen[i]) && PyList_Append(list, (PyObject *)order->placed[i].node) < 0)
            Py_CLEAR(list);
    return list;
}

/* Let the collector see a node and all below it. */
static void watch_below(Node *root)
{
    Stack stack = {NULL, 0, 0};
    Node *v = root;
    for (;;) {
        if (!(v->size & DEEP)) {
            v->size |= DEEP;
            track(v);
            for (uint32_t i = 0; i < SIZE_OF(v); i++)
                if (!IS_FLOAT(v->operands[i]) && push(&stack, (Node *)v->operands[i]) < 0)
                    PyErr_Clear();
        }
        if (!stack.depth)
            break;
        v = stack.frames[--stack.depth].node;
    }
    spared(OF_FRAMES, stack.frames, stack.room * sizeof(Frame));
}
