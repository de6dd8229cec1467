package bigqueryfake

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// oneOfEach matches a query for the best row of each key.
var oneOfEach = regexp.MustCompile("^SELECT \\* FROM `([^`]+)`\nWHERE TRUE\nQUALIFY ROW_NUMBER\\(\\) OVER \\(PARTITION BY (.+) ORDER BY (.+)\\) = 1$")

// oneText matches a query for one text.
var oneText = regexp.MustCompile(`^SELECT '([^'\\]*)' AS (\w+)$`)

// View returns the rows that a view shows, in the order of their arrival. A row has a
// value for every column of the table, as in Rows.
//
// View can run queries of two forms:
//
//	SELECT 'text' AS column
//
//	SELECT * FROM `project.dataset.table`
//	WHERE TRUE
//	QUALIFY ROW_NUMBER() OVER (PARTITION BY column, … ORDER BY column, column DESC, column IS NULL, …) = 1
//
// As in GoogleSQL, NULL equals NULL in PARTITION BY, and comes first in ORDER BY. Among
// rows that are equal in ORDER BY, BigQuery may show any; View shows the first.
func (s *Server) View(project, dataset, name string) ([]map[string]any, error) {
	view := s.Table(project, dataset, name)
	if view == nil || view.View == nil {
		return nil, fmt.Errorf("bigqueryfake: there is no view %s.%s.%s", project, dataset, name)
	}
	if constant := oneText.FindStringSubmatch(view.View.Query); constant != nil {
		return []map[string]any{{constant[2]: constant[1]}}, nil
	}
	query := oneOfEach.FindStringSubmatch(view.View.Query)
	if query == nil {
		return nil, fmt.Errorf("bigqueryfake cannot run the query of view %s:\n%s", name, view.View.Query)
	}
	table := strings.Split(query[1], ".")
	if len(table) != 3 {
		return nil, fmt.Errorf("bigqueryfake: table %q: want project.dataset.table", query[1])
	}
	rows := s.Rows(table[0], table[1], table[2])
	return best(rows, terms(query[2]), terms(query[3]))
}

// A term is a column, a column in descending order, or whether a column is NULL.
type term struct {
	column     string
	descending bool
	isNull     bool
}

func terms(list string) []term {
	var out []term
	for text := range strings.SplitSeq(list, ", ") {
		column, descending := strings.CutSuffix(text, " DESC")
		column, isNull := strings.CutSuffix(column, " IS NULL")
		out = append(out, term{strings.Trim(column, "`"), descending, isNull})
	}
	return out
}

func (t term) of(row map[string]any) any {
	if t.isNull {
		return row[t.column] == nil
	}
	return row[t.column]
}

// best returns the first row, by order, of each partition.
func best(rows []map[string]any, partition, order []term) ([]map[string]any, error) {
	place := map[string]int{}
	var out []map[string]any
	for _, row := range rows {
		for _, t := range slices.Concat(partition, order) {
			if _, ok := row[t.column]; !ok {
				return nil, errors.New("Unrecognized name: " + t.column)
			}
		}
		var key strings.Builder
		for _, t := range partition {
			fmt.Fprintf(&key, "%#v\x00", t.of(row))
		}
		i, ok := place[key.String()]
		switch {
		case !ok:
			place[key.String()] = len(out)
			out = append(out, row)
		case before(row, out[i], order):
			out[i] = row
		}
	}
	return out, nil
}

func before(a, b map[string]any, order []term) bool {
	for _, t := range order {
		if n := compare(t.of(a), t.of(b)); n != 0 {
			return n < 0 != t.descending
		}
	}
	return false
}

// compare compares two values of one column.
func compare(a, b any) int {
	switch x := a.(type) {
	case nil:
		return cmp.Compare(0, present(b))
	case string:
		y, _ := b.(string)
		return cmp.Or(cmp.Compare(1, present(b)), cmp.Compare(x, y))
	case int64:
		y, _ := b.(int64)
		return cmp.Or(cmp.Compare(1, present(b)), cmp.Compare(x, y))
	case time.Time:
		y, _ := b.(time.Time)
		return cmp.Or(cmp.Compare(1, present(b)), x.Compare(y))
	default:
		return cmp.Or(cmp.Compare(1, present(b)), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))) // false, then true
	}
}

func present(v any) int {
	if v == nil {
		return 0
	}
	return 1
}
