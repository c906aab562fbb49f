/* The sweeps: reverse, forward, and evaluating again. Numbers are kept in arrays of the sweep and
 * committed at its end, in a loop in which no Python runs: a sweep that is cut short has changed
 * nothing, and sums of several threads on one leaf are whole. Products and sums are taken in the
 * order of engine.py, so the bits are the same.
 */

enum { PATIENCE = 1 << 14 }; /* nodes between two looks for Ctrl-C */

/* The slopes of one node. */
typedef struct {
    const Program *program; /* NULL: asked of Python */
    const double *registers; /* of the program, NULL while it computes nothing */
    PyObject *from_python;
    int routes;
    Room room;
} Slopes;

static void begin(Slopes *slopes)
{
    slopes->from_python = NULL;
    slopes->room.more = NULL;
    slopes->room.room = 0;
}

static void end(Slopes *slopes)
{
    Py_CLEAR(slopes->from_python);
    free(slopes->room.more);
}

static inline unsigned mask_of(const uint32_t *operands, uint32_t size)
{
    unsigned mask = 0;
    for (uint32_t i = 0; i < size && i < SMALL; i++)
        mask |= (unsigned)(operands[i] != NO_PLACE) << i;
    return mask;
}

/* The number of an operand, from where it lies beside others or, of a constant, from the node. */
static inline double operand_number(const Order *order, const Placed *placed,
                                    const uint32_t *operands, uint32_t i)
{
    if (operands[i] == NO_PLACE)
        return number_in(placed->node->operands[i]);
    return order->placed[operands[i]].primal;
}

static int ask_python(Slopes *slopes, Node *v)
{
    PyObject *found = PyObject_CallFunctionObjArgs(hook[LOCAL_GRADIENTS], (PyObject *)v, NULL);
    Py_XDECREF(slopes->from_python);
    slopes->from_python = found ? PySequence_Tuple(found) : NULL;
    Py_XDECREF(found);
    return slopes->from_python ? 0 : -1;
}

static int compute_slopes(Slopes *slopes, const Order *order, const Placed *placed,
                          const uint32_t *operands)
{
    Row *row = placed->row;
    uint32_t size = placed->size;
    slopes->routes = row->routes;
    slopes->program = NULL;
    const Program *program = NULL;
    if (!row->custom)
        program = program_of(row, 1, size, size <= SMALL ? mask_of(operands, size) : 0);
    if (!program)
        return PyErr_Occurred() ? -1 : ask_python(slopes, placed->node);
    slopes->program = program;
    slopes->registers = NULL;
    if (program->steps) {
        size_t registers = (size_t)registers_of(program);
        double *r = room_for(&slopes->room, registers + (size_t)operands_in_all(program));
        if (!r)
            return -1;
        r[0] = placed->primal;
        for (uint32_t i = 0; i < size; i++)
            r[1 + i] = operand_number(order, placed, operands, i);
        run(program, r, r + registers);
        slopes->registers = r;
    }
    return 0;
}

/* The slope in one operand; 1, 0 where no gradient passes, or -1 with an exception. */
static inline int slope_in(const Slopes *slopes, const Order *order, const Placed *placed,
                           const uint32_t *operands, uint32_t i, double *found)
{
    const Program *program = slopes->program;
    if (program) {
        int32_t at = program->output[i];
        if (at < 0)
            return 0;
        if (slopes->registers)
            *found = slopes->registers[at];
        else if (at == 0)
            *found = placed->primal;
        else if (at < program->given)
            *found = operand_number(order, placed, operands, (uint32_t)at - 1);
        else
            *found = program->numbers[at - program->given];
        return !(slopes->routes && *found == 0.0);
    }
    if ((Py_ssize_t)i >= PyTuple_Size(slopes->from_python))
        return 0;
    PyObject *partial = PyTuple_GetItem(slopes->from_python, (Py_ssize_t)i);
    if (partial == Py_None)
        return 0;
    *found = PyFloat_AsDouble(partial);
    return *found == -1.0 && PyErr_Occurred() ? -1 : 1;
}

/* Numbers of a sweep, one for each node of an order, and which of them are there. They begin with
   -0.0, which added to any number changes no bit of it. */
typedef struct {
    double *number;
    char *is_there;
    size_t bytes;
} Numbers;

static int make_numbers(Numbers *numbers, size_t count)
{
    size_t needed = (count + 1) * (sizeof(double) + 1);
    numbers->number = taken(OF_NUMBERS, &numbers->bytes);
    if (numbers->bytes < needed) {
        free(numbers->number);
        numbers->bytes = needed + needed / 2;
        numbers->number = malloc(numbers->bytes);
    }
    if (!numbers->number) {
        PyErr_NoMemory();
        return -1;
    }
    numbers->is_there = (char *)(numbers->number + count + 1);
    for (size_t i = 0; i < count; i++)
        numbers->number[i] = -0.0;
    memset(numbers->is_there, 0, count);
    return 0;
}

static void release_numbers(Numbers *numbers)
{
    spared(OF_NUMBERS, numbers->number, numbers->bytes);
}

static int sweep_back(const Order *order, Numbers *adjoint)
{
    Slopes slopes;
    begin(&slopes);
    const uint32_t *operands = order->operands + order->edges;
    int done = 0;
    for (size_t i = order->count; i-- > 0 && done == 0;) {
        const Placed *placed = order->placed + i;
        uint32_t size = placed->size;
        operands -= size;
        if (i % PATIENCE == PATIENCE - 1 && PyErr_CheckSignals() < 0)
            done = -1;
        else if (placed->row && adjoint->is_there[i] &&
                 (done = compute_slopes(&slopes, order, placed, operands)) == 0) {
            double upstream = adjoint->number[i], slope;
            for (uint32_t k = 0; k < size; k++) {
                uint32_t to = operands[k];
                if (to == NO_PLACE)
                    continue;
                int passes = slope_in(&slopes, order, placed, operands, k, &slope);
                if (passes < 0)
                    done = -1;
                if (passes <= 0)
                    continue;
                adjoint->number[to] += upstream * slope;
                adjoint->is_there[to] = 1;
            }
        }
    }
    end(&slopes);
    return done;
}

static int sweep_on(const Order *order, Numbers *tangent)
{
    Slopes slopes;
    begin(&slopes);
    const uint32_t *operands = order->operands;
    int done = 0;
    for (size_t i = 0; i < order->count && done == 0; i++) {
        const Placed *placed = order->placed + i;
        uint32_t size = placed->size;
        int reached = 0;
        if (i % PATIENCE == PATIENCE - 1 && PyErr_CheckSignals() < 0)
            done = -1;
        if (placed->row && !tangent->is_there[i] && done == 0) { /* a seed keeps its own */
            for (uint32_t k = 0; k < size; k++)
                reached |= operands[k] != NO_PLACE && tangent->is_there[operands[k]];
            if (reached || placed->row->custom)
                done = compute_slopes(&slopes, order, placed, operands);
            for (uint32_t k = 0; k < size && reached && done == 0; k++) {
                uint32_t from = operands[k];
                double slope;
                if (from == NO_PLACE || !tangent->is_there[from])
                    continue;
                int passes = slope_in(&slopes, order, placed, operands, k, &slope);
                if (passes < 0)
                    done = -1;
                if (passes <= 0)
                    continue;
                tangent->number[i] += tangent->number[from] * slope;
                tangent->is_there[i] = 1;
            }
        }
        operands += size;
    }
    end(&slopes);
    return done;
}

/* What a reverse pass leaves in a node: leaves add to what they have, the others show this pass. */
static inline void end_pass(Node *v, int is_there, double adjoint)
{
    if (!v->row && v->size & KNOWN)
        set_gradient(v, adjoint + v->gradient);
    else
        set_gradient(v, is_there ? adjoint : 0.0);
}

/* None; or NULL without an exception where Python's own method has something to say. */
static PyObject *swept_backward(Node *v, double gradient)
{
    Order order;
    Numbers adjoint = {NULL, NULL, 0};
    Stops none = {NULL, 0};
    PyObject *found = NULL;
    if (order_of(&order, &v, 1, &none) == 0 && !order.stale && !order.cyclic &&
        make_numbers(&adjoint, order.count) == 0) {
        adjoint.number[order.count - 1] = gradient;
        adjoint.is_there[order.count - 1] = 1;
        if (sweep_back(&order, &adjoint) == 0) {
            for (size_t i = 0; i < order.count; i++)
                end_pass(order.placed[i].node, adjoint.is_there[i], adjoint.number[i]);
            found = Py_NewRef(Py_None);
        }
    }
    release_numbers(&adjoint);
    release(&order);
    return found;
}

static int evaluate_again(const Order *order, double *primal, uint64_t *clock, uint64_t now)
{
    Room numbers, registers;
    numbers.more = registers.more = NULL;
    numbers.room = registers.room = 0;
    const uint32_t *operands = order->operands;
    int done = 0;
    for (size_t i = 0; i < order->count && done == 0; i++) {
        Node *v = order->placed[i].node;
        uint32_t size = order->placed[i].size;
        primal[i] = v->primal;
        clock[i] = v->clock;
        if (v->row) {
            double *x = room_for(&numbers, (size_t)size + 1);
            if (!x || (i % PATIENCE == PATIENCE - 1 && PyErr_CheckSignals() < 0)) {
                done = -1;
                break;
            }
            int changed = 0;
            for (uint32_t k = 0; k < size; k++) {
                uint32_t from = operands[k];
                x[k] = from == NO_PLACE ? number_in(v->operands[k]) : primal[from];
                changed |= from != NO_PLACE && clock[from] > v->clock;
            }
            done = value_of(v->row, x, (Py_ssize_t)size, primal + i, &registers);
            if (changed)
                clock[i] = now;
        }
        operands += size;
    }
    free(numbers.more);
    free(registers.more);
    return done;
}

/* The node itself; or NULL without an exception where Python's own method has something to say. */
static PyObject *swept_forward(Node *v)
{
    Order order;
    Stops none = {NULL, 0};
    PyObject *found = NULL;
    double *primal = NULL;
    uint64_t *clock = NULL;
    if (order_of(&order, &v, 1, &none) == 0 && !order.cyclic) {
        uint64_t now = ++edits;
        primal = malloc(order.count * sizeof(double));
        clock = malloc(order.count * sizeof(uint64_t));
        if (!primal || !clock)
            PyErr_NoMemory();
        else if (evaluate_again(&order, primal, clock, now) == 0) {
            for (size_t i = 0; i < order.count; i++) { /* the commit: no Python runs in it */
                Node *u = order.placed[i].node;
                if (u->row) {
                    u->primal = primal[i];
                    u->clock = clock[i];
                    forget_gradient(u);
                }
            }
            found = Py_NewRef((PyObject *)v);
        }
    }
    free(primal);
    free(clock);
    release(&order);
    return found;
}

/* ---- For the transformations of autodiff.py. ------------------------------------------------- */

static int watches_for_anomalies(void)
{
    if (!present)
        return 0;
    PyObject *mode = PyObject_CallNoArgs(hook[MODE]);
    PyObject *anomaly = mode ? PyObject_GetAttrString(mode, "anomaly") : NULL;
    int found = anomaly ? PyObject_IsTrue(anomaly) : -1;
    Py_XDECREF(mode);
    Py_XDECREF(anomaly);
    return found;
}

/* Numbers that hold the seeds of a sweep; 1 when these are anything but floats of nodes. */
static int sow(Order *order, PyObject *seeds, Numbers *numbers)
{
    PyObject *v, *seed;
    Py_ssize_t at = 0;
    while (PyDict_Next(seeds, &at, &v, &seed)) {
        if (!IS_NODE(v) || !IS_FLOAT(seed))
            return 1;
        if (!is_placed(order, (Node *)v) && place(order, (Node *)v) < 0)
            return -1;
    }
    if (make_numbers(numbers, order->all) < 0)
        return -1;
    at = 0;
    while (PyDict_Next(seeds, &at, &v, &seed)) {
        numbers->number[((Node *)v)->place] = PyFloat_AsDouble(seed);
        numbers->is_there[((Node *)v)->place] = 1;
    }
    return 0;
}

static PyObject *dictionary_of(const Order *order, const Numbers *numbers, PyObject *wanted)
{
    PyObject *found = PyDict_New();
    if (!found || !wanted)
        goto all;
    /* other walks may have been here while Python ran in the sweep */
    for (size_t i = 0; i < order->all; i++)
        order->placed[i].node->place = (uint32_t)i;
    Py_ssize_t count = PyList_Size(wanted);
    for (Py_ssize_t i = 0; i < count && found; i++) {
        PyObject *v = PyList_GetItem(wanted, i);
        if (!IS_NODE(v) || !is_placed(order, (Node *)v) || !numbers->is_there[((Node *)v)->place])
            continue;
        PyObject *number = PyFloat_FromDouble(numbers->number[((Node *)v)->place]);
        if (!number || PyDict_SetItem(found, v, number) < 0)
            Py_CLEAR(found);
        Py_XDECREF(number);
    }
    return found;
all:
    for (size_t i = 0; found && i < order->all; i++)
        if (numbers->is_there[i]) {
            PyObject *number = PyFloat_FromDouble(numbers->number[i]);
            if (!number || PyDict_SetItem(found, (PyObject *)order->placed[i].node, number) < 0)
                Py_CLEAR(found);
            Py_XDECREF(number);
        }
    return found;
}

/* (order, seeds, local, wanted), as in engine.py, whose own sweep takes what is not for this one:
   numbers that are recorded, local gradients from elsewhere, a watch for anomalies. */
static PyObject *sweep_for(PyObject *args, PyObject *named, int hooked,
                           int (*sweep)(const Order *, Numbers *))
{
    static char *names[] = {"order", "seeds", "local", "wanted", NULL};
    PyObject *list, *seeds, *local = NULL, *wanted = NULL, *found = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, named, "OO|OO", names, &list, &seeds, &local, &wanted))
        return NULL;
    int watched = watches_for_anomalies();
    if (watched < 0)
        return NULL;
    if (wanted == Py_None)
        wanted = NULL;
    Order order = {0};
    Numbers numbers = {NULL, NULL, 0};
    int strange = watched || (local && local != hook[LOCAL_GRADIENTS]) || !PyList_Check(list) ||
                  !PyDict_Check(seeds) || (wanted && !PyList_Check(wanted));
    if (!strange)
        strange = order_from(&order, list);
    if (!strange)
        strange = sow(&order, seeds, &numbers);
    if (!strange && sweep(&order, &numbers) == 0)
        found = dictionary_of(&order, &numbers, wanted);
    release_numbers(&numbers);
    release(&order);
    return strange > 0 ? PyObject_Call(hook[hooked], args, named) : found;
}

static PyObject *heart_adjoints(PyObject *module, PyObject *args, PyObject *named)
{
    return sweep_for(args, named, ADJOINTS, sweep_back);
}

static PyObject *heart_tangents(PyObject *module, PyObject *args, PyObject *named)
{
    return sweep_for(args, named, TANGENTS, sweep_on);
}

/* The nodes in a sequence, borrowed from a tuple of them; NULL without an exception when it holds
   anything else. */
static Node **nodes_in(PyObject *sequence, PyObject **tuple, size_t *count)
{
    *tuple = PySequence_Tuple(sequence);
    if (!*tuple)
        return NULL;
    *count = (size_t)PyTuple_Size(*tuple);
    Node **nodes = malloc((*count + 1) * sizeof(Node *));
    if (!nodes) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < *count; i++) {
        nodes[i] = (Node *)PyTuple_GetItem(*tuple, (Py_ssize_t)i);
        if (!IS_NODE((PyObject *)nodes[i])) {
            free(nodes);
            return NULL;
        }
    }
    return nodes;
}

static PyObject *heart_nodes_below(PyObject *module, PyObject *args, PyObject *named)
{
    PyObject *stop = named ? PyDict_GetItemString(named, "stop") : NULL;
    PyObject *of_roots = NULL, *of_stops = NULL, *found = NULL;
    Stops stops = {NULL, 0};
    size_t count = 0;
    Node **roots = nodes_in(args, &of_roots, &count);
    if (roots && stop)
        stops.nodes = nodes_in(stop, &of_stops, &stops.count);
    if (roots && (stops.nodes || !stop) && (!named || (stop && PyDict_Size(named) == 1))) {
        Order order;
        if (order_of(&order, roots, count, &stops) == 0 && !order.cyclic)
            found = list_of(&order, NULL);
        release(&order);
    }
    free(roots);
    free(stops.nodes);
    Py_XDECREF(of_roots);
    Py_XDECREF(of_stops);
    return found || PyErr_Occurred() ? found : PyObject_Call(hook[NODES_BELOW], args, named);
}

/* (outputs, inputs): the nodes through which the ones depend on the others. */
static PyObject *heart_between(PyObject *module, PyObject *args)
{
    PyObject *outputs, *inputs, *of_outputs = NULL, *of_inputs = NULL, *found = NULL;
    if (!PyArg_ParseTuple(args, "OO", &outputs, &inputs))
        return NULL;
    Stops stops = {NULL, 0};
    size_t count = 0;
    Order order = {0};
    Node **roots = nodes_in(outputs, &of_outputs, &count);
    if (roots)
        stops.nodes = nodes_in(inputs, &of_inputs, &stops.count);
    if (stops.nodes && order_of(&order, roots, count, &stops) == 0 && !order.cyclic &&
        !order.stale) {
        char *reached = calloc(order.all + 1, 1);
        if (!reached)
            PyErr_NoMemory();
        else {
            const uint32_t *operands = order.operands;
            memset(reached + order.count, 1, order.all - order.count);
            for (size_t i = 0; i < order.count; i++) {
                uint32_t size = order.placed[i].size;
                for (uint32_t k = 0; k < size; k++)
                    reached[i] |= operands[k] != NO_PLACE && reached[operands[k]];
                operands += size;
            }
            found = list_of(&order, reached);
        }
        free(reached);
    }
    release(&order);
    free(roots);
    free(stops.nodes);
    Py_XDECREF(of_outputs);
    Py_XDECREF(of_inputs);
    return found || PyErr_Occurred() ? found : PyObject_Call(hook[BETWEEN], args, NULL);
}

/* The order below some roots and not below the stops, of sequences of nodes; 0, or 1 where Python
   has something to say, or -1 with an exception. */
static int order_between(Order *order, PyObject *roots, PyObject *stops)
{
    PyObject *of_roots = NULL, *of_stops = NULL;
    size_t count = 0;
    Stops stop = {NULL, 0};
    memset(order, 0, sizeof(Order));
    Node **root = nodes_in(roots, &of_roots, &count);
    if (root)
        stop.nodes = nodes_in(stops, &of_stops, &stop.count);
    int strange = !stop.nodes;
    if (!strange)
        strange = order_of(order, root, count, &stop);
    strange |= order->cyclic;
    free(root);
    free(stop.nodes);
    Py_XDECREF(of_roots);
    Py_XDECREF(of_stops);
    return PyErr_Occurred() ? -1 : strange;
}

/* leaves_below(roots, stop): see engine.py. */
static PyObject *heart_leaves_below(PyObject *module, PyObject *args)
{
    PyObject *roots, *stops, *found = NULL;
    if (!PyArg_ParseTuple(args, "OO", &roots, &stops))
        return NULL;
    Order order;
    if (order_between(&order, roots, stops) == 0)
        found = PyList_New(0);
    for (size_t i = 0; found && i < order.count; i++)
        if (!order.placed[i].row && PyList_Append(found, (PyObject *)order.placed[i].node) < 0)
            Py_CLEAR(found);
    release(&order);
    return found || PyErr_Occurred() ? found : PyObject_CallObject(hook[LEAVES_BELOW], args);
}

/* gradient(out, leaves): derivatives, as the memory of an array; None where the sweep of engine.py is to be asked.
   The leaves are different nodes. */
static PyObject *heart_gradient(PyObject *module, PyObject *args)
{
    PyObject *out, *leaves, *found = NULL;
    if (!PyArg_ParseTuple(args, "OO", &out, &leaves))
        return NULL;
    int watched = watches_for_anomalies();
    if (watched < 0)
        return NULL;
    Order order;
    Numbers adjoint = {NULL, NULL, 0};
    PyObject *roots = PyTuple_Pack(1, out);
    int strange = roots ? order_between(&order, roots, leaves) : -1;
    size_t varied = strange ? 0 : order.all - order.count;
    if (!strange)
        strange = watched || order.stale || (Py_ssize_t)varied != PySequence_Size(leaves);
    if (!strange && make_numbers(&adjoint, order.all) == 0) {
        size_t root = ((Node *)out)->place;
        adjoint.number[root] = 1.0;
        adjoint.is_there[root] = 1;
        if (sweep_back(&order, &adjoint) == 0)
            found = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)(varied * sizeof(double)));
    }
    double *number = found ? (double *)(void *)PyByteArray_AsString(found) : NULL;
    for (size_t i = 0; found && i < varied; i++) {
        size_t at = order.count + i;
        number[i] = adjoint.is_there[at] ? adjoint.number[at] : 0.0;
    }
    release_numbers(&adjoint);
    if (roots)
        release(&order);
    Py_XDECREF(roots);
    if (found || PyErr_Occurred())
        return found;
    Py_RETURN_NONE;
}
