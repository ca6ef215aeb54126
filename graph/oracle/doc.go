// Package oracle computes operations and whole losses a second way: graphs of Gorgonia's stock operations only, in float64, on
// concrete sizes, differentiated by gorgonia.Grad and run on Gorgonia's own TapeMachine. It shares no code with the Plans it is
// compared with: a gather is a product with a one-hot matrix, a mask is -1e9 added, sums and moves between rows are products with 0/1
// matrices.
//
// It is for tests, and slow: every call builds a graph. Compare values and gradients by parameters; intermediates are Gorgonia's.
//
// Known disagreements, none a mistake of ours:
//
//   - Rectify'(0) is 1 in Gorgonia and 0 here: keep activations off exact zeros (zero weights and biases make them);
//
//   - Gorgonia's LogSoftMax makes NaN of a row whose every logit is -1e9: rows without an action are not masked here.
//
//     got, err := oracle.Linear(x, w, bias, up) // got.Y = x·w + bias, got.D[i] = ∂Σ(up∘Y)/∂operand i
//
// Tests of gfn import it.
package oracle
