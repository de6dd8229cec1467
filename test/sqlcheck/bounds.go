package sqlcheck

import (
	"slices"

	"github.com/goccy/go-googlesql"
)

// filter adds the bounds in a condition.
func (l *lineage) filter(n *googlesql.ResolvedFilterScan) error {
	condition, err := n.FilterExpr()
	if err != nil {
		return err
	}
	return l.bound(condition)
}

// bound adds the bounds in a condition: c >= days before a moment, c < days after a
// moment, and such a condition OR c IS NULL. Each condition of an AND may be a bound.
func (l *lineage) bound(condition googlesql.ResolvedNode) error {
	name, arguments, err := functionCall(condition)
	if err != nil {
		return err
	}
	switch name {
	case "$and":
		for _, a := range arguments {
			if err := l.bound(a); err != nil {
				return err
			}
		}
	case "$or":
		return l.boundOrNull(arguments)
	case "$greater_or_equal":
		return compare(l.before, arguments)
	case "$less":
		return compare(l.after, arguments)
	}
	return nil
}

// boundOrNull adds the bound of c >= moment OR c IS NULL: rows without a time have a
// partition of their own.
func (l *lineage) boundOrNull(arguments []googlesql.ResolvedExprNode) error {
	name, null, err := functionCall(arguments[1])
	if err != nil || name != "$is_null" || len(arguments) > 2 {
		return err
	}
	_, bound, err := functionCall(arguments[0])
	if err != nil || len(bound) == 0 {
		return err
	}
	a, ok := null[0].(*googlesql.ResolvedColumnRef)
	b, same := bound[0].(*googlesql.ResolvedColumnRef)
	if !ok || !same {
		return nil
	}
	is, err := id(a)
	if err != nil {
		return err
	}
	if has, err := id(b); err != nil || is != has {
		return err
	}
	return l.bound(arguments[0])
}

// compare adds the number of days in a comparison of a column with a moment.
func compare(bounds map[int32]int64, arguments []googlesql.ResolvedExprNode) error {
	column, ok := arguments[0].(*googlesql.ResolvedColumnRef)
	if !ok {
		return nil
	}
	c, err := id(column)
	if err != nil {
		return err
	}
	days, found, err := number(arguments[1])
	if found {
		bounds[c] = days
	}
	return err
}

// functionCall returns the function of a call, or "".
func functionCall(node googlesql.ResolvedNode) (string, []googlesql.ResolvedExprNode, error) {
	n, ok := node.(*googlesql.ResolvedFunctionCall)
	if !ok {
		return "", nil, nil
	}
	f, err := n.Function()
	if err != nil {
		return "", nil, err
	}
	name, err := f.Name()
	if err != nil {
		return "", nil, err
	}
	arguments, err := n.ArgumentList()
	return name, arguments, err
}

// moments are the functions that a bound may consist of. BigQuery computes them before it
// reads. A moment with a column is no bound.
var moments = []string{"timestamp", "timestamp_sub", "date_sub", "date_add", "current_timestamp"}

// number returns the last INT64 in a moment. found is false for everything else.
func number(node googlesql.ResolvedNode) (days int64, found bool, err error) {
	days = -1
	constant, err := visit(node, &days)
	return days, constant && days >= 0 && err == nil, err
}

// visit reports whether an expression consists of literals and moments, and sets days to
// an INT64 in it.
func visit(node googlesql.ResolvedNode, days *int64) (bool, error) {
	if literal, ok := node.(*googlesql.ResolvedLiteral); ok {
		v, err := literal.Value()
		if err != nil {
			return false, err
		}
		if kind, err := v.TypeKind(); err != nil || kind != googlesql.TypeKindTypeInt64 {
			return true, err
		}
		*days, err = v.Int64Value()
		return true, err
	}
	name, arguments, err := functionCall(node)
	constant := slices.Contains(moments, name)
	for i := 0; i < len(arguments) && constant && err == nil; i++ {
		constant, err = visit(arguments[i], days)
	}
	return constant, err
}
