package parquet

import (
	"fmt"
	"strconv"
	"strings"

	pq "github.com/parquet-go/parquet-go"
)

// Names of the key-value metadata of a file.
const (
	metaKey     = "cioevents.key"     // the columns that identify an event
	metaVersion = "cioevents.version" // the version of the schema that all rows have
)

// Versions of the schema. A new version comes with new columns, or with a new way to
// compute the value of a column from the payload.
const (
	// firstVersion is the version of files without metadata. The key was workspace and
	// event_id, and payload the last column.
	firstVersion   = 1
	currentVersion = 2
)

// keyColumns are the columns of warehouse.Key. The order is part of the files.
var keyColumns = []string{"workspace", "event_id", "metric"}

// versionColumn has the version that computed the row, which is NULL for the first
// version. A merged file has rows of several versions. The view hides the column.
const versionColumn = "schema_version"

// versionOf returns the version of a file. The error is about a file of a newer
// release with another key, whose events this release cannot tell apart.
func versionOf(f *pq.File) (int, error) {
	key, ok := f.Lookup(metaKey)
	if !ok {
		return firstVersion, nil
	}
	if want := strings.Join(keyColumns, ","); key != want {
		return 0, fmt.Errorf("events of the file are identified by %s, and this version of cioctl identifies events by %s: upgrade cioctl", key, want)
	}
	text, _ := f.Lookup(metaVersion)
	version, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("invalid %s %q: want a number", metaVersion, text)
	}
	return version, nil
}
