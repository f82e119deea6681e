package stop

// An Outcome is the effect that a rule would have had on a trial that was trained to the end of its curve.
type Outcome struct {
	Epochs    int // trained epochs: until the decision, or the whole curve
	BestEpoch int // of the monitored metric; 0 when none was watched
	Decision  Decision
}

// Replay applies the rule to the curves of a trial. loss and value are the training loss and the monitored metric by
// epoch; index 0 is before training.
func (r Rule) Replay(loss, value []float64) Outcome {
	var o Outcome
	if len(loss) == 0 {
		return o
	}
	w := r.Start(loss[0])
	for epoch := 1; epoch < min(len(loss), len(value)); epoch++ {
		o.Epochs = epoch
		if o.Decision = w.Observe(epoch, loss[epoch], value[epoch]); o.Decision.Stop {
			break
		}
	}
	o.BestEpoch, _ = w.Best()
	return o
}
