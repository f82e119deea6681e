// Package stats computes estimates with their uncertainty, tests, and the summaries by which
// optimizers are compared, from the values of a few seeds.
//
// Its functions are pure and work on plain slices, which they neither keep nor change. Lower is
// better where a direction matters; for a metric whose goal is max the caller negates the values.
//
// The same rules hold everywhere:
//
//   - NaN among the values makes the result NaN. A value is never dropped in silence.
//   - ±Inf, as the loss of a run that diverged, has a rank: the median, IQM, A12 and the tests on
//     ranks work with it. What is built on means and variances gives NaN, except that Mean itself
//     may be infinite.
//   - A pair of equal infinities differs by 0 in Wilcoxon and Bootstrap.Paired.
//   - Fewer than two values in a sample give an estimate, but no interval (its ends are NaN) and
//     no p-value (NaN). No values give NaN.
//   - Values that do not differ at all are no evidence: p is 1. If all differences are the same
//     and not 0, the p of a t test is 0.
//   - What is random depends on the seed and the values alone: the same bits on every call.
//   - Slices that belong together have equal lengths; anything else is a bug and panics.
package stats
