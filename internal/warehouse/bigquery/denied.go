package bigquery

import (
	"errors"
	"slices"
	"strings"

	"google.golang.org/api/googleapi"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// A denial is a cause of PERMISSION_DENIED or 403 other than a missing role.
type denial struct {
	reasons []string // of gRPC's ErrorInfo and of REST
	texts   []string // parts of the error's text. Google gives no reason in all cases
	advice  string
}

// The reasons of gRPC are those of
// https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto,
// and the reasons of REST those of https://cloud.google.com/bigquery/docs/error-messages.
// The reason policyViolation is from https://github.com/dust-tt/dust/pull/31983. The first
// text is the answer for a project without billing
// (https://cloud.google.com/bigquery/docs/streaming-data-into-bigquery).
var denials = []denial{
	{
		[]string{"BILLING_DISABLED", "billingNotEnabled"},
		[]string{"not allowed in the free tier", "Billing has not been enabled"},
		"the project has no billing, and BigQuery accepts no streamed rows without billing: gcloud billing projects link PROJECT --billing-account ACCOUNT",
	},
	{
		[]string{"SERVICE_DISABLED", "accessNotConfigured"},
		[]string{"or it is disabled"},
		"the project has not enabled the API: gcloud services enable bigquery.googleapis.com bigquerystorage.googleapis.com",
	},
	{
		[]string{"SECURITY_POLICY_VIOLATED", "policyViolation"},
		[]string{"prohibited by organization's policy"},
		"VPC Service Controls refuse the account, and a role does not help: an administrator finds the refusal in the audit logs by the identifier above, and lets the account into the perimeter",
	},
}

const roleAdvice = "the worker's account needs the role roles/bigquery.dataEditor on the dataset, or on the project if the dataset does not exist yet"

// adviceFor returns what a person can do about PERMISSION_DENIED or 403. withoutRole is the
// advice for an account without a role.
func adviceFor(err error, withoutRole string) string {
	reasons, text := reasonsOf(err), err.Error()
	for _, d := range denials {
		named := slices.ContainsFunc(reasons, func(r string) bool { return slices.Contains(d.reasons, r) })
		if named || slices.ContainsFunc(d.texts, func(part string) bool { return strings.Contains(text, part) }) {
			return d.advice
		}
	}
	return withoutRole
}

func reasonsOf(err error) []string {
	var reasons []string
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			reasons = append(reasons, info.GetReason())
		}
	}
	if web, ok := errors.AsType[*googleapi.Error](err); ok {
		for _, e := range web.Errors {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}
