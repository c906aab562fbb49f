/* The training step of a multi-layer perceptron, written by hand for one network: what a compiler makes of knowing it all.

   SIZES lists the widths of its layers, HINGE says which loss it has; the caller defines both. A row holds the inputs and
   then the targets; the parameters go neuron by neuron, its weights and then its bias. Everything is a matrix product,
   whose vectors of eight lie along the contiguous side. Compiled with -ffast-math, so its sums are not in any one order. */

#include <math.h>

enum { BLOCK = 64, FEW = 4, LANES = 8 };
static const int sizes[] = {SIZES};
enum { LAYERS = sizeof sizes / sizeof *sizes - 1, WIDEST = 1024, WIDEST_OUT = 64 };

typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double)), may_alias));
typedef struct { const double *at; long down, right; } matrix; /* element (i, j) is at[i * down + j * right] */

#define LANES_AT(address) (*(lanes *)(address))
#define INLINED static inline __attribute__((always_inline))
#define UNROLLED _Pragma("GCC unroll 8")

/* A tile of m rows and v vectors of out = left · right, or out += left · right: its sums stay in registers. */
INLINED void tile(const int add, const int m, const int v, int depth, matrix left, matrix right, double *out, long down) {
    lanes sums[8][2]; /* of which the compiler keeps m by v */
    for (int i = 0; i < m; i++)
        for (int j = 0; j < v; j++) sums[i][j] = add ? LANES_AT(out + i * down + j * LANES) : (lanes){0};
    for (int k = 0; k < depth; k++)
        for (int j = 0; j < v; j++) {
            const lanes row = LANES_AT(right.at + k * right.down + j * LANES);
            for (int i = 0; i < m; i++) sums[i][j] += left.at[i * left.down + k * left.right] * row;
        }
    for (int i = 0; i < m; i++)
        for (int j = 0; j < v; j++) LANES_AT(out + i * down + j * LANES) = sums[i][j];
}

INLINED void strip(const int add, const int v, int rows, int depth, matrix left, matrix right, double *out, long down) {
    for (int m; rows > 0; rows -= m, left.at += m * left.down, out += m * down)
        if (rows >= 8) tile(add, m = 8, v, depth, left, right, out, down);
        else if (rows >= 2) tile(add, m = 2, v, depth, left, right, out, down);
        else tile(add, m = 1, v, depth, left, right, out, down);
}

/* out = left · right, or out += left · right; the columns of right and of out are contiguous. */
INLINED void product(const int add, int rows, int columns, int depth, matrix left, matrix right, double *out, long down) {
    int j = 0;
    for (; j + 2 * LANES <= columns; j += 2 * LANES, right.at += 2 * LANES)
        strip(add, 2, rows, depth, left, right, out + j, down);
    for (; j + LANES <= columns; j += LANES, right.at += LANES) strip(add, 1, rows, depth, left, right, out + j, down);
    if (columns % LANES == 0) return; /* said to the compiler, which would think of columns that are not there */
    for (; j < columns; j++, right.at++)
        for (int i = 0; i < rows; i++) {
            double sum = add ? out[i * down + j] : 0;
            for (int k = 0; k < depth; k++) sum += left.at[i * left.down + k * left.right] * right.at[k * right.down];
            out[i * down + j] = sum;
        }
}

/* Activations and slopes of a block of rows, row by row, and the weights turned; widths rounded up to whole vectors. */
static double units[LAYERS][BLOCK * WIDEST_OUT], slopes[LAYERS][BLOCK * WIDEST_OUT], turned[LAYERS][WIDEST * WIDEST_OUT];

INLINED int whole(int width) { return (width + LANES - 1) / LANES * LANES; }

INLINED void turn(int from, int to, const double *weights, double *out) {
    for (int i = 0; i < from; i++)
        for (int o = 0; o < to; o++) out[i * whole(to) + o] = weights[o * (from + 1) + i];
}

/* The layer's activations; turned weights pay when there are more than a few rows to share them. */
INLINED void forward(int few, int last, int rows, int from, int to, matrix in, const double *weights, const double *turned,
                     double *out) {
    if (!few) product(0, rows, whole(to), from, in, (matrix){turned, whole(to), 1}, out, whole(to));
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < to; o++) {
            const double *w = weights + o * (from + 1);
            double sum = w[from] + (few ? 0 : out[r * whole(to) + o]);
            if (few)
                for (int i = 0; i < from; i++) sum += w[i] * in.at[r * in.down + i];
            out[r * whole(to) + o] = last || sum > 0 ? sum : 0;
        }
}

/* The gradient of the layer's weights and biases, which the first block sets and the others add to. */
INLINED void collect(int add, int rows, int from, int to, matrix in, const double *slope, double *gradient) {
    const matrix across = {slope, 1, whole(to)}, down = {slope, whole(to), 1}, in_across = {in.at, 1, in.down};
    double biases[WIDEST_OUT] = {0}, narrow[LANES * WIDEST_OUT];
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < whole(to); o++) biases[o] += slope[r * whole(to) + o];
    for (int o = 0; o < to; o++) gradient[o * (from + 1) + from] = biases[o] + (add ? gradient[o * (from + 1) + from] : 0);
    if (from >= LANES) {
        product(add, to, from, rows, across, in, gradient, from + 1);
    } else { /* fewer inputs than a vector has lanes: the vectors lie along the neurons */
        product(0, from, whole(to), rows, in_across, down, narrow, whole(to));
        for (int o = 0; o < to; o++)
            for (int i = 0; i < from; i++)
                gradient[o * (from + 1) + i] = narrow[i * whole(to) + o] + (add ? gradient[o * (from + 1) + i] : 0);
    }
}

/* The slopes of the layer before, through its ReLU. */
INLINED void backward(int rows, int from, int to, const double *weights, const double *slope, const double *in,
                      double *out) {
    product(0, rows, from, to, (matrix){slope, whole(to), 1}, (matrix){weights, from + 1, 1}, out, whole(from));
    for (int k = 0; k < rows * whole(from); k++) out[k] = in[k] > 0 ? out[k] : 0;
}

/* The loss of one row, and its slope in each score. */
INLINED double hinge(const double *score, const double *target, double *slope) {
    const double margin = 1 - target[0] * score[0];
    slope[0] = margin > 0 ? -target[0] : 0;
    return margin > 0 ? margin : 0;
}

INLINED double cross_entropy(int classes, const double *score, const double *target, double *slope) {
    double top = score[0], total = 0, chosen = 0;
    for (int o = 1; o < classes; o++) top = score[o] > top ? score[o] : top;
    for (int o = 0; o < classes; o++) total += slope[o] = exp(score[o] - top), chosen += target[o] * score[o];
    for (int o = 0; o < classes; o++) slope[o] = slope[o] / total - target[o];
    return top + log(total) - chosen;
}

/* The mean loss of `count` rows, the hinge with 1e-4 times the sum of squares; its gradient goes to `gradient`. */
double step(long count, const double *rows, const double *parameters, double *gradient) {
    const int outputs = sizes[LAYERS], width = sizes[0] + (HINGE ? 1 : outputs), few = count < FEW;
    int starts[LAYERS + 1] = {0};
    UNROLLED for (int l = 0; l < LAYERS; l++) {
        starts[l + 1] = starts[l] + sizes[l + 1] * (sizes[l] + 1);
        if (!few) turn(sizes[l], sizes[l + 1], parameters + starts[l], turned[l]);
    }
    double loss = 0;
    for (long first = 0; first < count; first += BLOCK, rows += BLOCK * width) {
        const int n = count - first < BLOCK ? count - first : BLOCK;
        matrix in[LAYERS + 1] = {{rows, width, 1}};
        UNROLLED for (int l = 0; l < LAYERS; l++) {
            forward(few, l + 1 == LAYERS, n, sizes[l], sizes[l + 1], in[l], parameters + starts[l], turned[l], units[l]);
            in[l + 1] = (matrix){units[l], whole(sizes[l + 1]), 1};
        }
        for (int r = 0; r < n; r++) {
            const double *score = units[LAYERS - 1] + r * whole(outputs), *target = rows + r * width + sizes[0];
            double *slope = slopes[LAYERS - 1] + r * whole(outputs);
            loss += HINGE ? hinge(score, target, slope) : cross_entropy(outputs, score, target, slope);
            for (int o = 0; o < outputs; o++) slope[o] /= count;
        }
        UNROLLED for (int l = LAYERS - 1; l >= 0; l--) {
            collect(first > 0, n, sizes[l], sizes[l + 1], in[l], slopes[l], gradient + starts[l]);
            if (l) backward(n, sizes[l], sizes[l + 1], parameters + starts[l], slopes[l], units[l - 1], slopes[l - 1]);
        }
    }
    loss /= count;
    for (int k = 0; HINGE && k < starts[LAYERS]; k++) {
        loss += 1e-4 * parameters[k] * parameters[k];
        gradient[k] += 2e-4 * parameters[k];
    }
    return loss;
}

/* (x + σ(y)) / (σ(x) + (x + y)²), and its two derivatives. */
double circuit(double x, double y, double *gradient) {
    const double u = 1 / (1 + exp(-x)), v = 1 / (1 + exp(-y)), below = u + (x + y) * (x + y), value = (x + v) / below;
    gradient[0] = (1 - value * (u * (1 - u) + 2 * (x + y))) / below;
    gradient[1] = (v * (1 - v) - value * 2 * (x + y)) / below;
    return value;
}
