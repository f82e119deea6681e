package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An MLflowServer is the address of an MLflow tracking server, with credentials. Only the address without credentials
// is ever printed.
type MLflowServer struct {
	URI                string // http or https
	User, Password     string // basic authentication, as in MLflow's own client
	Token              string // or a bearer token
	Patience           time.Duration
	Waiting            func(err error, wait time.Duration) // called before a request is tried again, with the reason; may be nil
	address, authority string
	client             *http.Client
}

// An AddressError is an invalid address of a server.
type AddressError struct{ What string }

func (e *AddressError) Error() string { return e.What }

// Hint gives an example of an address.
func (e *AddressError) Hint() string {
	return "for instance --uri http://127.0.0.1:5000; a folder or a database of MLflow's is written through `mlflow server`"
}

// Open checks the address. It must be called before requests.
func (m *MLflowServer) Open() error {
	u, err := url.Parse(m.URI)
	switch {
	case err != nil:
		return &AddressError{"the address of the MLflow server cannot be understood"} // it may hold a password
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return &AddressError{"the address of an MLflow server begins with http:// or https://"}
	}
	if u.User != nil {
		m.User = u.User.Username()
		m.Password, _ = u.User.Password()
		u.User = nil
	}
	u.RawQuery, u.Fragment = "", ""
	m.address, m.authority = strings.TrimRight(u.String(), "/"), u.Host
	m.client = &http.Client{Timeout: 2 * time.Minute}
	return nil
}

// A serverError is an answer with an error.
type serverError struct {
	Status    int
	Code      string // MLflow's error code, such as RESOURCE_DOES_NOT_EXIST
	Message   string
	authority string
}

func (e *serverError) Error() string {
	what := e.Message
	if what == "" {
		what = http.StatusText(e.Status)
	}
	return fmt.Sprintf("the MLflow server at %s answers %d: %s", e.authority, e.Status, what)
}

// Hint says what to do.
func (e *serverError) Hint() string {
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, say who you are"
	case e.Status == http.StatusNotFound && e.Code == "":
		return "is it an MLflow server? Its address is the address of its web page"
	}
	if !passing(e) {
		return "the server's log may say more"
	}
	return "run the same command again to go on"
}

// refusesForGood reports whether the server understands a request and refuses what it asks for, so that the same request
// never succeeds, and others may.
func refusesForGood(err error) bool {
	refused, ok := errors.AsType[*serverError](err)
	return ok && (refused.Status == http.StatusBadRequest || refused.Status == http.StatusRequestEntityTooLarge || refused.Status == http.StatusUnprocessableEntity)
}

// An unreachableError is a server that does not answer.
type unreachableError struct {
	authority string
	err       error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("the MLflow server at %s cannot be reached: %v", e.authority, e.err)
}
func (e *unreachableError) Unwrap() error { return e.err }

// Hint says what to do.
func (e *unreachableError) Hint() string { return "run the same command again to go on" }

// Post calls an endpoint, and repeats the call while the server is away or busy. All calls can be repeated, except the
// one that makes a run.
func (m *MLflowServer) Post(ctx context.Context, endpoint string, request, response any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	return m.retry(ctx, func() error { return m.once(ctx, http.MethodPost, endpoint, body, response) })
}

// Get calls an endpoint that reads, likewise.
func (m *MLflowServer) Get(ctx context.Context, endpoint string, query url.Values, response any) error {
	return m.retry(ctx, func() error { return m.once(ctx, http.MethodGet, endpoint+"?"+query.Encode(), nil, response) })
}

func (m *MLflowServer) retry(ctx context.Context, call func() error) error {
	const first, most = 250 * time.Millisecond, 10 * time.Second
	started := time.Now()
	for wait := first; ; wait = min(2*wait, most) {
		err := call()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if !passing(err) || time.Since(started)+wait > m.Patience {
			return err
		}
		if m.Waiting != nil {
			m.Waiting(err, wait)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

// passing reports whether the same call may succeed later.
func passing(err error) bool {
	if refused, ok := errors.AsType[*serverError](err); ok {
		return refused.Status >= 500 && refused.Status != http.StatusNotImplemented || refused.Status == http.StatusTooManyRequests || refused.Status == http.StatusRequestTimeout
	}
	_, away := errors.AsType[*unreachableError](err)
	return away
}

// once makes one request.
func (m *MLflowServer) once(ctx context.Context, method, endpoint string, body []byte, response any) error {
	request, err := http.NewRequestWithContext(ctx, method, m.address+"/api/2.0/mlflow/"+endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("User-Agent", "xrun")
	switch {
	case m.Token != "":
		request.Header.Set("Authorization", "Bearer "+m.Token)
	case m.User != "" || m.Password != "":
		request.SetBasicAuth(m.User, m.Password)
	}
	answer, err := m.client.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // it would repeat the address
		}
		return &unreachableError{m.authority, err}
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		refused := &serverError{Status: answer.StatusCode, authority: m.authority}
		var said struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		}
		if json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&said) == nil {
			refused.Code, refused.Message = said.Code, said.Message
		}
		return refused
	}
	if err := json.NewDecoder(answer.Body).Decode(response); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &unreachableError{m.authority, fmt.Errorf("its answer breaks off or is not MLflow's: %w", err)}
	}
	return nil
}

// hasCode reports whether an error is of the server, with one of MLflow's codes.
func hasCode(err error, code string) bool {
	refused, ok := errors.AsType[*serverError](err)
	return ok && refused.Code == code
}

// An MLflowInteger is an int64. The JSON of protobuf writes it as a text, other servers as a number.
type MLflowInteger int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *MLflowInteger) UnmarshalJSON(text []byte) error {
	i, err := strconv.ParseInt(strings.Trim(string(text), `"`), 10, 64)
	*n = MLflowInteger(i)
	return err
}
