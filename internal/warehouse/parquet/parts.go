package parquet

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// partFiles is the number of files of a part. DuckDB holds some 0.5 MB for each file of a
// statement, however few rows the file has: 600 MB for the files of a day without
// compaction.
const partFiles = 16

// Parts returns DuckDB's SQL for tables that together have all rows of the folder dir. Each
// table has the rows of a few files, and needs no view. Queries on one table after the other
// take the memory for a few files, and a query on the view of all rows the memory for all
// files. A folder without files has no parts.
func Parts(dir string) ([]string, error) {
	files, err := filepath.Glob(filesPattern(dir))
	if err != nil {
		return nil, err
	}
	var parts []string
	for some := range slices.Chunk(files, partFiles) {
		list := make([]string, len(some))
		for i, file := range some {
			list[i] = quote(globEscape.Replace(file))
		}
		parts = append(parts, "("+emptySQL()+" UNION ALL BY NAME SELECT * FROM read_parquet(["+strings.Join(list, ", ")+"], union_by_name = true))")
	}
	return parts, nil
}

// filesPattern returns the pattern of all files with events.
func filesPattern(dir string) string {
	return filepath.Join(globEscape.Replace(dir), warehouse.Events, dayPrefix+"*", "*"+fileSuffix)
}
