package store

// A View is a table that other programs may rely on.
type View struct {
	Name    string       `json:"name"`
	About   string       `json:"about"`
	Columns []ViewColumn `json:"columns"`
}

// A ViewColumn is a column of a View.
type ViewColumn struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// Views lists the documented views of rows that are not deleted. Other tables may change with any version of xrun.
func Views() []View {
	return []View{
		{"runs", "every attempt at a trial", []ViewColumn{
			{"run_id", "its number"}, {"trial_key", "of the trial; all its attempts have it"}, {"sweep", "name of the sweep that ran it"},
			{"optimizer", "as the sweep calls it"}, {"regularizer", "likewise; NULL without a penalty"}, {"lr", "learning rate"}, {"lambda", "weight of the penalty"},
			{"seed", ""}, {"status", "running, finished, stopped, pruned, diverged, failed or interrupted"}, {"reason", "why it ended, in words"},
			{"epochs", "trained"}, {"steps", "of the optimizer"}, {"started_at", "microseconds since 1970, UTC"}, {"ended_at", "likewise; NULL while it runs"},
			{"wall_seconds", "its duration"}, {"error", "message of a failed run"},
			{"metric", "that its sweep compares by"}, {"value", "of metric at kept_epoch; NULL is NaN, or no value"},
			{"kept_epoch", "epoch whose parameters are kept; NULL if the run keeps nothing, as after divergence"}}},
		{"settings", "the settings of each trial", []ViewColumn{
			{"trial_key", ""}, {"path", "such as optimizer.momentum"}, {"value", "a flag is 0 or 1"}}},
		{"best", "the summary of each metric of a run", []ViewColumn{
			{"run_id", ""}, {"metric", "name"}, {"first", "value at the first epoch"}, {"last", "value at the last epoch"}, {"min", "least value"},
			{"min_step", "first epoch that has it"}, {"max", "greatest value"}, {"max_step", "first epoch that has it"}, {"mean", "over the epochs"}, {"count", "of values"}}},
		{"curves", "every value of every metric", []ViewColumn{
			{"run_id", ""}, {"metric", "name"}, {"step", "epoch; 0 is before training"}, {"value", "NULL is NaN"}}},
		{"events", "what happened to a run", []ViewColumn{
			{"run_id", ""}, {"at", "microseconds since 1970, UTC"}, {"kind", ""}, {"message", ""}, {"epoch", ""}, {"detail", ""}}},
		{"sweep_events", "what was decided after the stages of a sweep whose seeds are added in stages, and which shares of a sweep were trained", []ViewColumn{
			{"sweep", "its name"}, {"at", "microseconds since 1970, UTC"}, {"stage", "from 1; 0 for a share"}, {"kind", "stage, given-up, over or share"},
			{"point_key", "of the point that was given up, else empty"}, {"message", ""}}},
		{"plugins_used", "which plugins a run used", []ViewColumn{
			{"run_id", ""}, {"role", "optimizer, base, regularizer or objective"}, {"name", ""}, {"version", ""}, {"digest", "of its files"}}},
		{"coefficients", "the factors of a run's penalty, the same for every convention of λ", []ViewColumn{
			{"run_id", ""}, {"part", "l1: Σ|θ|, l2: ½Σθ², group: Σ√p‖θ_g‖, huber"}, {"value", "its coefficient"}}},
		{"constants", "what a predictor would score that knows the targets of a run's training rows and nothing else", []ViewColumn{
			{"run_id", ""}, {"metric", "of rows, such as val_accuracy"}, {"value", ""}}},
	}
}
