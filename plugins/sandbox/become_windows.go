package sandbox

// Become puts this process into the sandbox of a plugin.
func Become(string, []string) error { return Available() }
