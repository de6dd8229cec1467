package bigqueryfake

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/api/bigquery/v2"
)

// cells returns a row in the form of tabledata and getQueryResults: each value is a text, a
// RECORD is {"f": [{"v": …}]}, and a REPEATED field is [{"v": …}]
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list).
func cells(fields []*bigquery.TableFieldSchema, row []any, micros bool) []*bigquery.TableCell {
	list := make([]*bigquery.TableCell, len(fields))
	for i, f := range fields {
		list[i] = &bigquery.TableCell{V: cell(f, row[i], micros), ForceSendFields: []string{"V"}}
	}
	return list
}

func cell(f *bigquery.TableFieldSchema, value any, micros bool) any {
	if f.Mode == "REPEATED" {
		element := *f
		element.Mode = "NULLABLE"
		elements, _ := value.([]any) // BigQuery shows the array NULL as an empty array
		list := make([]any, len(elements))
		for i, e := range elements {
			list[i] = map[string]any{"v": cell(&element, e, micros)}
		}
		return list
	}
	switch v := value.(type) {
	case nil:
		return nil
	case map[string]any:
		inner := make([]any, len(f.Fields))
		for i, field := range f.Fields {
			inner[i] = map[string]any{"v": cell(field, v[field.Name], micros)}
		}
		return map[string]any{"f": inner}
	case time.Time:
		return timeText(f.Type, v, micros)
	case json.RawMessage:
		return string(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// timeText writes a TIMESTAMP as microseconds, or by default as seconds.
func timeText(kind string, t time.Time, micros bool) string {
	switch {
	case kind == "DATETIME":
		return t.Format("2006-01-02T15:04:05.999999")
	case micros:
		return strconv.FormatInt(t.UnixMicro(), 10)
	default:
		return strconv.FormatFloat(float64(t.UnixMicro())/1e6, 'g', -1, 64)
	}
}
