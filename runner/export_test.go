package runner

// Plan is open to tests that plan trials of real components.
var Plan = plan
