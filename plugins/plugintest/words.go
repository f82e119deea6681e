package plugintest

import "strings"

// words are the names that an author's language has for what messages speak of.
type words struct {
	lambda, seed, theta, grad, step, value, addGradient, addTo, prox, initial, gradient, evaluate string

	penalized   string // how biases are left alone
	inPlace     string // how parameters are changed
	state       string // how a step's memory is declared
	stateFloats string
	gain        string
}

var goWords = words{
	lambda: "Instance.Lambda", seed: "Instance.Seed", theta: "params", grad: "grad", step: "Step", value: "Value", addGradient: "AddGradient",
	addTo: "grad[i] += …", prox: "Prox", initial: "Init", gradient: "Gradient", evaluate: "Evaluate",
	penalized: "use Layout.Penalized()", inPlace: "write to params[i]",
	state: "list all that a step needs in State", stateFloats: "StateFloats", gain: "Gain",
}

var pythonWords = words{
	lambda: "lam", seed: "seed", theta: "theta", grad: "grad", step: "step", value: "value", addGradient: "add_gradient",
	addTo: "grad += …", prox: "prox", initial: "initial", gradient: "gradient", evaluate: "evaluate",
	penalized: "theta is the penalised part already", inPlace: "change it in place, as in theta -= x or theta[:] = x, for theta = theta - x makes another vector",
	state:       "keep all that a step needs in attributes of self, or in what state() returns and restore(saved) puts back",
	stateFloats: "state_floats", gain: "gain",
}

// otherWords are those of the protocol.
var otherWords = words{
	lambda: "the slot's lambda", seed: "the slot's seed", theta: "the parameters", grad: "the gradient", step: "OP_STEP", value: "OP_VALUE",
	addGradient: "OP_PENALIZE", addTo: "add to each element", prox: "OP_PROX", initial: "OP_INIT", gradient: "OP_GRADIENT", evaluate: "OP_METRICS",
	penalized: "leave tensors alone that are not penalized", inPlace: "write the new parameters over the old ones",
	state: "let Save return all that a step needs, and Restore put it back", stateFloats: "state_floats", gain: "gains",
}

// wordsOf are those of an SDK, as a plugin names it in Hello.
func wordsOf(sdk string) words {
	switch language, _, _ := strings.Cut(sdk, " "); language {
	case "go":
		return goWords
	case "python":
		return pythonWords
	}
	return otherWords
}
