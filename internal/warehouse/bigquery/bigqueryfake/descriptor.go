package bigqueryfake

import (
	"fmt"
	"strings"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A decoder decodes rows by the descriptor of the client.
type decoder struct {
	message protoreflect.MessageDescriptor
	columns map[protoreflect.FieldNumber]*storagepb.TableFieldSchema
	bounds  bounds
}

// newDecoder checks that the descriptor fits the schema. Names of fields and columns
// match in any case. A column without a field is NULL.
func newDecoder(stream string, dp *descriptorpb.DescriptorProto, schema *storagepb.TableSchema) (*decoder, error) {
	message, err := compile(dp)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "Invalid proto schema: %v", err)
	}
	columns := map[string]*storagepb.TableFieldSchema{}
	for _, col := range schema.GetFields() {
		columns[strings.ToLower(col.GetName())] = col
	}
	d := &decoder{message: message, columns: map[protoreflect.FieldNumber]*storagepb.TableFieldSchema{}}
	var extra []string
	for i := range message.Fields().Len() {
		f := message.Fields().Get(i)
		col := columns[strings.ToLower(string(f.Name()))]
		if col == nil {
			extra = append(extra, string(f.Name()))
			continue
		}
		if !fits(f.Kind(), col.GetType()) {
			return nil, mismatch(stream, f, col)
		}
		d.columns[f.Number()] = col
		delete(columns, strings.ToLower(string(f.Name())))
	}
	if len(extra) > 0 {
		return nil, extraFields(stream, strings.Join(extra, ","))
	}
	return d, missing(columns)
}

func compile(dp *descriptorpb.DescriptorProto) (protoreflect.MessageDescriptor, error) {
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name:        new("rows.proto"),
		Syntax:      new("proto2"),
		MessageType: []*descriptorpb.DescriptorProto{dp},
	}, nil)
	if err != nil {
		return nil, err
	}
	return file.Messages().Get(0), nil
}

func mismatch(stream string, f protoreflect.FieldDescriptor, col *storagepb.TableFieldSchema) error {
	return storageError(codes.InvalidArgument, storagepb.StorageError_STORAGE_ERROR_CODE_UNSPECIFIED, stream,
		fmt.Sprintf("The proto field mismatched with BigQuery field at D%s.%s, the proto field type %s, BigQuery field type %s",
			f.Parent().Name(), f.Name(), f.Kind(), col.GetType()))
}

// missing returns an error when a column without a field is required.
func missing(columns map[string]*storagepb.TableFieldSchema) error {
	for _, col := range columns {
		if col.GetMode() == storagepb.TableFieldSchema_REQUIRED {
			return status.Errorf(codes.InvalidArgument, "The required field %s is missing in the proto message", col.GetName())
		}
	}
	return nil
}

// fits accepts for each type the kind of field that managedwriter/adapt makes. BigQuery
// also accepts further kinds, such as an int32 for an INT64.
func fits(k protoreflect.Kind, t storagepb.TableFieldSchema_Type) bool {
	switch t {
	case storagepb.TableFieldSchema_STRING, storagepb.TableFieldSchema_JSON:
		return k == protoreflect.StringKind
	case storagepb.TableFieldSchema_BOOL:
		return k == protoreflect.BoolKind
	case storagepb.TableFieldSchema_INT64, storagepb.TableFieldSchema_TIMESTAMP:
		return k == protoreflect.Int64Kind
	default:
		return false
	}
}
