package duckdb

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"
)

// plain returns a value of the driver in a form that people and JSON can show. A
// number keeps all digits. A date, a time of day, a UUID, an interval and a float
// that JSON cannot write become texts. The kind is DuckDB's name of the column's
// type.
func plain(kind string, v any) any {
	switch v := v.(type) {
	case time.Time:
		switch kind {
		case "DATE":
			return v.Format(time.DateOnly)
		case "TIME":
			return v.Format("15:04:05.999999")
		}
	case []byte:
		if kind == "UUID" && len(v) == len(duck.UUID{}) {
			id := duck.UUID(v)
			return id.String()
		}
	case duck.Decimal:
		return json.Number(v.String())
	case duck.Interval:
		return fmt.Sprintf("%d months %d days %s", v.Months, v.Days, time.Duration(v.Micros)*time.Microsecond)
	case float32:
		return plain(kind, float64(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
	case []any:
		for i := range v {
			v[i] = plain("", v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plain("", v[name])
		}
	}
	return v
}
