package parquet

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// rollupFile is the name of the file with all days of the rollup:
// DIR/customerio_rollup_daily/rollup.parquet, beside a file without rows.
const rollupFile = "rollup"

// PutRollup replaces the rows of the rollup in the folder. A row has the values of
// warehouse.RollupColumns as a warehouse.Reader returns them. Readers see the old rows or
// the new rows. Of two calls at the same moment, the rows of one stay.
func PutRollup(dir string, rows [][]any) error { return writeRollup(dir, rollupFile, rows) }

func writeRollup(dir, name string, rows [][]any) error {
	columns := warehouse.RollupColumns()
	lines := make([]pq.Row, len(rows))
	for i, row := range rows {
		for j := range columns {
			v, err := rollupValue(&columns[j], row[j])
			if err != nil {
				return fmt.Errorf("column %s of the rollup: %w", columns[j].Name, err)
			}
			lines[i] = append(lines[i], v.Level(0, definition(&columns[j], v), j))
		}
	}
	folder := filepath.Join(dir, warehouse.Rollup)
	if err := makeFolder(folder); err != nil {
		return err
	}
	_, err := publish(folder, func(w io.Writer) error {
		out := pq.NewGenericWriter[any](w, newSchema(columnFields(columns)))
		if _, err := out.WriteRows(lines); err != nil {
			return err
		}
		return out.Close()
	}, func(string) string { return name + fileSuffix })
	return err
}

// definition is the level of a value: 1 for a value of a column that may be NULL.
func definition(c *warehouse.Column, v pq.Value) int {
	if c.Required || v.IsNull() {
		return 0
	}
	return 1
}

// rollupValue returns a value in the form of a file. A day is the number of days since 1970.
func rollupValue(c *warehouse.Column, value any) (pq.Value, error) {
	switch v := value.(type) {
	case nil:
		return pq.NullValue(), nil
	case int64:
		return pq.Int64Value(v), nil
	case time.Time:
		return pq.Int64Value(v.UnixMicro()), nil
	case string:
		if c.Type != warehouse.Date {
			return pq.ByteArrayValue([]byte(v)), nil
		}
		day, err := time.Parse(time.DateOnly, v)
		return pq.Int32Value(int32(day.Unix() / (24 * 60 * 60))), err //nolint:gosec // years 1 to 9999
	default:
		return pq.Value{}, fmt.Errorf("value %v has the type %T", value, value)
	}
}
