package bigquery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"google.golang.org/api/googleapi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// Errors that Write can handle itself.
var (
	errExtraFields = errors.New("the Write API does not know all columns of the table yet")
	errBroken      = errors.New("the Write API does not answer")
	errRefused     = errors.New("the Write API refuses the rows")
)

// errNoKey goes away by itself: the Write API learns of new columns within minutes.
var errNoKey = errors.New("the Write API does not know a required column yet")

// Waits before the next attempt when BigQuery names none.
const (
	quotaWait   = 10 * time.Second
	columnsWait = 30 * time.Second
)

// classify wraps an error of the Write API in one of the errors above, by its status.
func classify(err error) error {
	st, ok := status.FromError(err)
	if ok {
		err = st.Err() // without the details of the Google library, which take several lines
	}
	switch {
	case storageCode(err) == storagepb.StorageError_SCHEMA_MISMATCH_EXTRA_FIELDS:
		return fmt.Errorf("%w: %w", errExtraFields, err)
	case st.Code() == codes.InvalidArgument && storageCode(err) == storagepb.StorageError_STORAGE_ERROR_CODE_UNSPECIFIED:
		return fmt.Errorf("%w: %w", errRefused, err)
	case ok && broken(st.Code()), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w", errBroken, err)
	default:
		return err
	}
}

// broken reports whether a new connection may succeed after the status.
func broken(code codes.Code) bool {
	switch code {
	case codes.Unavailable, codes.Aborted, codes.Canceled, codes.DeadlineExceeded, codes.Internal:
		return true
	default:
		return false
	}
}

// storageCode returns the Write API's own code, which is more exact than the status.
func storageCode(err error) storagepb.StorageError_StorageErrorCode {
	for _, d := range status.Convert(err).Details() {
		if e, ok := d.(*storagepb.StorageError); ok {
			return e.GetCode()
		}
	}
	return storagepb.StorageError_STORAGE_ERROR_CODE_UNSPECIFIED
}

// explain adds to an error of Open or Write what a person can do, and when to try
// again. No error is permanent: rows wait until a person has solved the problem.
func explain(cfg *Config, err error) error {
	err = fmt.Errorf("BigQuery %s.%s: %w", cfg.Project, cfg.Dataset, err)
	switch {
	case errors.Is(err, errExtraFields), errors.Is(err, errNoKey):
		return fault.RetryAfter(columnsWait, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w (no answer within %s)", err, cfg.Timeout)
	case errors.Is(err, errRefused):
		return fmt.Errorf("%w (compare the table %s with the output of \"cioctl warehouse migrate --print\")", err, Raw)
	case errors.Is(err, warehouse.ErrNoCredentials):
		return fmt.Errorf("%w (%s)", err, credentialsAdvice)
	}
	switch codeOf(err) {
	case codes.ResourceExhausted:
		return fault.RetryAfter(askedWait(err), err)
	case codes.PermissionDenied, codes.Unauthenticated:
		return fmt.Errorf("%w (%s)", err, adviceFor(err, roleAdvice))
	case codes.NotFound:
		return fmt.Errorf("%w (the project, the dataset or the table %s does not exist, or BigQuery's servers do not know it yet: \"cioctl warehouse migrate\" creates dataset and table)", err, Raw)
	default:
		return err
	}
}

const credentialsAdvice = "run as a service account, on GKE with GCE_METADATA_HOST=169.254.169.254, or set GOOGLE_APPLICATION_CREDENTIALS"

// codeOf returns the gRPC code of an error, also for an error of a REST call.
func codeOf(err error) codes.Code {
	web, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		return status.Code(err)
	}
	switch {
	case web.Code == http.StatusTooManyRequests, hasReason(web, "rateLimitExceeded"), hasReason(web, "quotaExceeded"):
		return codes.ResourceExhausted
	case web.Code == http.StatusForbidden:
		return codes.PermissionDenied
	case web.Code == http.StatusUnauthorized:
		return codes.Unauthenticated
	case web.Code == http.StatusNotFound:
		return codes.NotFound
	default:
		return codes.Unknown
	}
}

func hasReason(err *googleapi.Error, reason string) bool {
	for _, e := range err.Errors {
		if e.Reason == reason {
			return true
		}
	}
	return false
}

// askedWait returns the wait from the google.rpc.RetryInfo of a quota error, and
// quotaWait without a RetryInfo.
func askedWait(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(interface{ GetRetryDelay() *durationpb.Duration }); ok && info.GetRetryDelay().AsDuration() > 0 {
			return info.GetRetryDelay().AsDuration()
		}
	}
	return quotaWait
}

// address matches texts that may be an e-mail address.
var address = regexp.MustCompile(`[^\s"']*@[^\s"']*`)

// rowFault returns the reason for a refused row.
func rowFault(e *storagepb.RowError) error { return refusal(e.GetCode(), e.GetMessage()) }

// requestFault returns the reason for a refused request of a single row.
func requestFault(err error) error {
	answer, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err)
	if !ok {
		return refusal(codes.Unknown, err.Error())
	}
	return refusal(answer.GRPCStatus().Code(), answer.GRPCStatus().Message())
}

// refusal makes an error of BigQuery's text. The text may quote the row, and errors are
// logged: refusal removes addresses and cuts the text after 200 bytes.
func refusal(code fmt.Stringer, text string) error {
	text = address.ReplaceAllString(text, "…")
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return fmt.Errorf("BigQuery refused the row: %s: %s", code, text)
}
