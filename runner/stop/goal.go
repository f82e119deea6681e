package stop

import (
	"slices"
	"strings"
	"unicode"
)

// small and large are words in the names of metrics that tell their goal.
var (
	small = []string{"loss", "logloss", "error", "err", "cost", "rmse", "mse", "mae", "nll", "perplexity", "ppl", "brier", "bpc", "wer", "cer", "fid", "regret", "deviance", "j", "penalty", "suboptimality", "optimality", "gap", "norm"}
	large = []string{"accuracy", "acc", "auc", "auroc", "f1", "r2", "score", "precision", "recall", "map", "iou", "dice", "bleu", "reward", "return", "likelihood"}
)

// GoalByName finds the goal of a metric by the last word in its name that tells: val_loss and val/nll
// become small, test_acc and F1 large. For other names the goal is unknown, and [Min] is the guess.
func GoalByName(metric string) (goal Goal, known bool) {
	words := strings.FieldsFunc(strings.ToLower(metric), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, word := range slices.Backward(words) {
		switch {
		case slices.Contains(small, word):
			return Min, true
		case slices.Contains(large, word):
			return Max, true
		}
	}
	return Min, false
}
