package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/spf13/pflag"
)

// A number is the value of a flag with a number that fulfils a condition.
type number[T int | int64 | float64] struct {
	p     *T
	want  string
	valid func(T) bool
}

// AtLeast0 returns the value of a flag with a number of 0 or more.
func AtLeast0[T int | int64 | float64](p *T, value T) pflag.Value {
	return newNumber(p, value, "a number, 0 or more", func(v T) bool { return v >= 0 })
}

// Above0 returns the value of a flag with a number above 0.
func Above0[T int | int64 | float64](p *T, value T) pflag.Value {
	return newNumber(p, value, "a number above 0", func(v T) bool { return v > 0 })
}

// Between returns the value of a flag with a number from least to most.
func Between[T int | int64 | float64](p *T, value, least, most T) pflag.Value {
	want := fmt.Sprintf("a number from %v to %v", least, most)
	return newNumber(p, value, want, func(v T) bool { return v >= least && v <= most })
}

func newNumber[T int | int64 | float64](p *T, value T, want string, valid func(T) bool) pflag.Value {
	*p = value
	n := &number[T]{p, want, valid}
	if n.Type() != "float" {
		n.want = "a whole" + want[len("a"):]
	}
	return n
}

// Set reads a number. Infinity is none.
func (n *number[T]) Set(text string) error {
	v, err := n.parse(text)
	if err != nil || !n.valid(v) {
		return errors.New("want " + n.want)
	}
	*n.p = v
	return nil
}

func (n *number[T]) parse(text string) (T, error) {
	if n.Type() == "float" {
		v, err := strconv.ParseFloat(text, 64)
		if math.IsInf(v, 0) || math.IsNaN(v) {
			err = strconv.ErrRange
		}
		return T(v), err
	}
	v, err := strconv.ParseInt(text, 0, strconv.IntSize)
	return T(v), err
}

// String writes the number in the form that Set reads.
func (n *number[T]) String() string { return fmt.Sprint(*n.p) }

// Type names the type in the help text.
func (n *number[T]) Type() string {
	if _, float := any(*n.p).(float64); float {
		return "float"
	}
	return "int"
}
