package builtin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// The conventions of optimizers go by the frameworks whose source they follow.
const (
	torch = "torch"
	keras = "keras"
	optax = "optax"
	paper = "paper"
)

// following declares the setting that chooses among a component's conventions.
func following(conventions []plugins.Convention) plugins.Setting {
	names := make([]string, len(conventions))
	for i, c := range conventions {
		names[i] = c.Name
	}
	return plugins.ChoiceSetting(plugins.SettingConvention, "whose definition of the method, and whose defaults", names...)
}

// chosen is the convention that an instance follows.
func chosen(in plugins.Instance) string { return in.Settings.Choice(plugins.SettingConvention) }

// onlyUnder refuses a setting that is not at its neutral value under conventions without it, so that
// no setting is silently ignored.
func onlyUnder(in plugins.Instance, setting string, neutral plugins.Value, conventions ...string) error {
	if in.Settings[setting] == neutral || slices.Contains(conventions, chosen(in)) {
		return nil
	}
	return &plugins.SettingError{Setting: setting, Problem: fmt.Sprintf("is %s, but convention %q has none: leave it at %s, or choose %s",
		in.Settings[setting], chosen(in), neutral, strings.Join(conventions, " or "))}
}

// A decay is how weight_decay takes part in a step. Coupled, it enters the gradient and all that
// is made of it; decoupled, it shrinks θ by lr·weight_decay and the gradient never sees it.
type decay[F plugins.Float] struct{ coupled, decoupled F }

// A coupling is coupled or decoupled.
type coupling bool

const (
	coupled   coupling = true
	decoupled coupling = false
)

// decaySetting is weight_decay of components whose convention sets the coupling.
func decaySetting() plugins.Setting {
	s := weightDecay(0)
	s.Doc = "decay of every parameter, biases too; the convention says how it is coupled"
	return s
}

// newDecay couples weight_decay as the convention does, and refuses it where there is none.
func newDecay[F plugins.Float](in plugins.Instance, couplings map[string]coupling) (decay[F], error) {
	amount := F(in.Settings.Real("weight_decay"))
	how, ok := couplings[chosen(in)]
	switch {
	case !ok:
		return decay[F]{}, onlyUnder(in, "weight_decay", plugins.Real(0), slices.Sorted(maps.Keys(couplings))...)
	case how == coupled:
		return decay[F]{coupled: amount}, nil
	}
	return decay[F]{decoupled: amount}, nil
}

// shrink is the factor by which a step of length lr multiplies θ first.
func (d decay[F]) shrink(lr F) F { return 1 - F(lr*d.decoupled) }

// epsilon is ε by its place in √(x + inside) + outside.
type epsilon[F plugins.Float] struct{ inside, outside F }

// newEpsilon puts the setting eps outside of the root under PyTorch's convention, inside under others.
func newEpsilon[F plugins.Float](in plugins.Instance) epsilon[F] {
	eps := F(in.Settings.Real("eps"))
	if chosen(in) == torch {
		return epsilon[F]{outside: eps}
	}
	return epsilon[F]{inside: eps}
}
