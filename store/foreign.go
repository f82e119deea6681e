package store

import "database/sql"

// OpenForeign opens the SQLite file of another program for reading. A frozen one is read as if nobody wrote to it, and no file is made beside
// it: that is right only for a file at rest.
func OpenForeign(path string, frozen bool) (*sql.DB, error) {
	settings := readerSettings
	if frozen {
		settings = frozenSettings
	}
	const connections = 2 // one lists, the other looks up
	return openPool(path, settings, connections)
}
