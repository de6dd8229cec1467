package duckdb

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// A column reads the values of one column, or of the elements of a nested column.
type column struct {
	kind  bindings.Type
	json  bool
	scale int           // of a DECIMAL
	inner bindings.Type // the type that stores a DECIMAL or an ENUM
	words []string      // of an ENUM
	size  int           // of an ARRAY
	names []string      // of a STRUCT
	child []*column     // of a nested type

	data  unsafe.Pointer // of the present chunk
	valid unsafe.Pointer // a bit a row, nil when no row is NULL
}

// newColumn returns the column of a type, or an error for a rare type.
func newColumn(t bindings.LogicalType) (*column, error) {
	c := &column{kind: bindings.GetTypeId(t)}
	switch c.kind {
	case bindings.TypeVarchar:
		c.json = bindings.LogicalTypeGetAlias(t) == "JSON"
	case bindings.TypeDecimal:
		c.scale, c.inner = int(bindings.DecimalScale(t)), bindings.DecimalInternalType(t)
	case bindings.TypeEnum:
		c.inner = bindings.EnumInternalType(t)
		for i := range bindings.EnumDictionarySize(t) {
			c.words = append(c.words, bindings.EnumDictionaryValue(t, bindings.IdxT(i)))
		}
	case bindings.TypeList:
		err := c.add(bindings.ListTypeChildType(t))
		return c, err
	case bindings.TypeArray:
		c.size = int(bindings.ArrayTypeArraySize(t))
		err := c.add(bindings.ArrayTypeChildType(t))
		return c, err
	case bindings.TypeMap:
		if err := c.add(bindings.MapTypeKeyType(t)); err != nil {
			return nil, err
		}
		err := c.add(bindings.MapTypeValueType(t))
		return c, err
	case bindings.TypeStruct:
		for i := range bindings.StructTypeChildCount(t) {
			c.names = append(c.names, bindings.StructTypeChildName(t, i))
			if err := c.add(bindings.StructTypeChildType(t, i)); err != nil {
				return nil, err
			}
		}
	default:
		if _, ok := readers[c.kind]; !ok {
			return nil, fmt.Errorf("DuckDB's type %d is not supported: cast the column to VARCHAR", c.kind)
		}
	}
	return c, nil
}

func (c *column) add(t bindings.LogicalType) error {
	defer bindings.DestroyLogicalType(&t)
	child, err := newColumn(t)
	c.child = append(c.child, child)
	return err
}

// load points the column at the vector of a new chunk.
func (c *column) load(v bindings.Vector) {
	c.data, c.valid = bindings.VectorGetData(v), bindings.VectorGetValidity(v)
	switch c.kind {
	case bindings.TypeList:
		c.child[0].load(bindings.ListVectorGetChild(v))
	case bindings.TypeArray:
		c.child[0].load(bindings.ArrayVectorGetChild(v))
	case bindings.TypeMap: // a list of structs with a key and a value
		entries := bindings.ListVectorGetChild(v)
		c.child[0].load(bindings.StructVectorGetChild(entries, 0))
		c.child[1].load(bindings.StructVectorGetChild(entries, 1))
	case bindings.TypeStruct:
		for i, child := range c.child {
			child.load(bindings.StructVectorGetChild(v, bindings.IdxT(i)))
		}
	default: // without children
	}
}

// at returns a pointer to the value of a row.
func at[T any](c *column, row int) *T {
	var t T
	return (*T)(unsafe.Add(c.data, row*int(unsafe.Sizeof(t))))
}

// value returns the value of a row, in the forms of warehouse.Rows.
func (c *column) value(row int) any {
	if c.valid != nil && *(*uint64)(unsafe.Add(c.valid, row/64*8))&(1<<(row%64)) == 0 {
		return nil
	}
	switch c.kind {
	case bindings.TypeVarchar:
		return c.text(row)
	case bindings.TypeDecimal:
		return c.decimal(row)
	case bindings.TypeEnum:
		return c.words[integer(c, c.inner, row)]
	case bindings.TypeList:
		offset, length := listEntry(c, row)
		return c.elements(offset, length)
	case bindings.TypeArray:
		return c.elements(row*c.size, c.size)
	case bindings.TypeMap:
		values := map[string]any{}
		offset, length := listEntry(c, row)
		for i := offset; i < offset+length; i++ {
			values[fmt.Sprint(c.child[0].value(i))] = c.child[1].value(i)
		}
		return values
	case bindings.TypeStruct:
		values := make(map[string]any, len(c.names))
		for i, name := range c.names {
			values[name] = c.child[i].value(row)
		}
		return values
	default:
		return readers[c.kind](c, row)
	}
}

func listEntry(c *column, row int) (offset, length int) {
	entry := at[[2]uint64](c, row)
	return int(entry[0]), int(entry[1]) // DuckDB's lists fit into memory
}

func (c *column) elements(offset, length int) []any {
	values := make([]any, length)
	for i := range values {
		values[i] = c.child[0].value(offset + i)
	}
	return values
}

// text returns a copy of a text. Texts of up to 12 bytes are in the vector itself; see
// duckdb_string_t in duckdb.h.
func (c *column) text(row int) any {
	entry := unsafe.Add(c.data, row*16)
	length, start := *(*uint32)(entry), unsafe.Add(entry, 4)
	if length > 12 {
		start = *(*unsafe.Pointer)(unsafe.Add(entry, 8))
	}
	text := string(unsafe.Slice((*byte)(start), length))
	if c.json && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

func (c *column) decimal(row int) any {
	n := big.NewInt(0)
	if c.inner == bindings.TypeHugeInt {
		n = huge(at[[2]uint64](c, row), true)
	} else {
		n.SetInt64(integer(c, c.inner, row))
	}
	if c.scale == 0 {
		return json.Number(n.String())
	}
	digits := fmt.Sprintf("%0*d", c.scale+1, new(big.Int).Abs(n)) // at least one digit before the point
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	point := len(digits) - c.scale
	return json.Number(sign + digits[:point] + "." + digits[point:])
}

// integer reads an integer of at most 64 bits.
func integer(c *column, kind bindings.Type, row int) int64 {
	switch kind {
	case bindings.TypeTinyInt:
		return int64(*at[int8](c, row))
	case bindings.TypeSmallInt:
		return int64(*at[int16](c, row))
	case bindings.TypeInteger:
		return int64(*at[int32](c, row))
	case bindings.TypeUTinyInt:
		return int64(*at[uint8](c, row))
	case bindings.TypeUSmallInt:
		return int64(*at[uint16](c, row))
	case bindings.TypeUInteger:
		return int64(*at[uint32](c, row))
	default:
		return *at[int64](c, row)
	}
}

// huge returns an integer of 128 bits, the lower half first.
func huge(halves *[2]uint64, signed bool) *big.Int {
	n := new(big.Int).SetUint64(halves[1])
	if signed {
		n.SetInt64(int64(halves[1])) // the sign is in the upper half
	}
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(halves[0]))
}

func float(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v) // JSON cannot write the number
	}
	return v
}

func readInteger(c *column, row int) any { return integer(c, c.kind, row) }

// readers read the simple types.
var readers = map[bindings.Type]func(c *column, row int) any{
	bindings.TypeBoolean:     func(c *column, row int) any { return *at[bool](c, row) },
	bindings.TypeTinyInt:     readInteger,
	bindings.TypeSmallInt:    readInteger,
	bindings.TypeInteger:     readInteger,
	bindings.TypeBigInt:      readInteger,
	bindings.TypeUTinyInt:    readInteger,
	bindings.TypeUSmallInt:   readInteger,
	bindings.TypeUInteger:    readInteger,
	bindings.TypeUBigInt:     func(c *column, row int) any { return json.Number(strconv.FormatUint(*at[uint64](c, row), 10)) },
	bindings.TypeHugeInt:     func(c *column, row int) any { return json.Number(huge(at[[2]uint64](c, row), true).String()) },
	bindings.TypeUHugeInt:    func(c *column, row int) any { return json.Number(huge(at[[2]uint64](c, row), false).String()) },
	bindings.TypeFloat:       func(c *column, row int) any { return float(float64(*at[float32](c, row))) },
	bindings.TypeDouble:      func(c *column, row int) any { return float(*at[float64](c, row)) },
	bindings.TypeTimestamp:   func(c *column, row int) any { return time.UnixMicro(*at[int64](c, row)).UTC() },
	bindings.TypeTimestampTZ: func(c *column, row int) any { return time.UnixMicro(*at[int64](c, row)).UTC() },
	bindings.TypeTimestampS:  func(c *column, row int) any { return time.Unix(*at[int64](c, row), 0).UTC() },
	bindings.TypeTimestampMS: func(c *column, row int) any { return time.UnixMilli(*at[int64](c, row)).UTC() },
	bindings.TypeTimestampNS: func(c *column, row int) any { return time.Unix(0, *at[int64](c, row)).UTC() },
	bindings.TypeDate: func(c *column, row int) any {
		return time.Unix(int64(*at[int32](c, row))*24*60*60, 0).UTC().Format(time.DateOnly)
	},
	bindings.TypeTime: func(c *column, row int) any {
		return time.UnixMicro(*at[int64](c, row)).UTC().Format("15:04:05.999999")
	},
	bindings.TypeInterval: func(c *column, row int) any {
		v := at[struct {
			months, days int32
			micros       int64
		}](c, row)
		return fmt.Sprintf("%d months %d days %s", v.months, v.days, time.Duration(v.micros)*time.Microsecond)
	},
	bindings.TypeUUID: func(c *column, row int) any {
		v, id := at[[2]uint64](c, row), [16]byte{}
		binary.BigEndian.PutUint64(id[:], v[1]^1<<63) // DuckDB flips the first bit, to sort by signed numbers
		binary.BigEndian.PutUint64(id[8:], v[0])
		return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	},
	bindings.TypeBlob: func(c *column, row int) any {
		text, _ := c.text(row).(string)
		return `\x` + hex.EncodeToString([]byte(text))
	},
	bindings.TypeSQLNull: func(*column, int) any { return nil },
}
