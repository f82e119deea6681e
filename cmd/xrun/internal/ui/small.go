package ui

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/xrun-dev/xrun/store"
)

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

// countsText tells apart what a sweep has come to.
func countsText(sweep store.SweepInfo) string {
	text := fmt.Sprint(sweep.Trials)
	for _, status := range slices.Sorted(maps.Keys(sweep.Counts)) {
		text += fmt.Sprint(" ", status, "=", sweep.Counts[status])
	}
	return text
}

// A keeper keeps a few hundred small values.
type keeper[K comparable, V any] struct {
	mu   sync.Mutex
	kept map[K]V
}

func (k *keeper[K, V]) get(key K) (V, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.kept[key]
	return v, ok
}

func (k *keeper[K, V]) put(key K, value V) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil || len(k.kept) >= 256 {
		k.kept = map[K]V{}
	}
	k.kept[key] = value
}
