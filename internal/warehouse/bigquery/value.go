package bigquery

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"

	bq "cloud.google.com/go/bigquery"
)

// valueOf returns a value in the forms of warehouse.Rows.
func valueOf(f *bq.FieldSchema, value bq.Value) any {
	if f.Repeated {
		element := *f
		element.Repeated = false
		elements, _ := value.([]bq.Value) // nil for an empty array
		list := make([]any, len(elements))
		for i, e := range elements {
			list[i] = valueOf(&element, e)
		}
		return list
	}
	switch v := value.(type) {
	case []bq.Value:
		members := make(map[string]any, len(v))
		for i, member := range v {
			members[f.Schema[i].Name] = valueOf(f.Schema[i], member)
		}
		return members
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v) // JSON cannot write the number
		}
		return v
	case []byte:
		return `\x` + hex.EncodeToString(v)
	case *big.Rat:
		return json.Number(shortened(v.FloatString(38))) // BIGNUMERIC has 38 digits after the point
	case string:
		if f.Type == bq.JSONFieldType && json.Valid([]byte(v)) {
			return json.RawMessage(v)
		}
		return v
	case *bq.RangeValue:
		return fmt.Sprintf("[%v, %v)", v.Start, v.End)
	case fmt.Stringer:
		if f.Type == bq.TimestampFieldType {
			return v // time.Time
		}
		return shortened(v.String()) // DATE, TIME, DATETIME, INTERVAL
	default: // nil, int64, bool
		return v
	}
}

// shortened removes the zeros at the end of a fraction.
func shortened(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
