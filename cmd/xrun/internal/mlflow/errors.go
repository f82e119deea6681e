package mlflow

import (
	"fmt"
	"net/http"
)

// An Error is one that a client understands: clients switch on its code.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The codes, as MLflow has them.
const (
	invalid      = "INVALID_PARAMETER_VALUE"
	missing      = "RESOURCE_DOES_NOT_EXIST"
	exists       = "RESOURCE_ALREADY_EXISTS"
	noEndpoint   = "ENDPOINT_NOT_FOUND"
	malformed    = "BAD_REQUEST"
	forbidden    = "PERMISSION_DENIED"
	unknownToken = "UNAUTHENTICATED"
	unavailable  = "TEMPORARILY_UNAVAILABLE" // a client asks again later
)

var statuses = map[string]int{
	invalid: http.StatusBadRequest, exists: http.StatusBadRequest, malformed: http.StatusBadRequest,
	missing: http.StatusNotFound, noEndpoint: http.StatusNotFound, forbidden: http.StatusForbidden,
	unknownToken: http.StatusUnauthorized, unavailable: http.StatusServiceUnavailable,
}

func refuse(code, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...)}
}
