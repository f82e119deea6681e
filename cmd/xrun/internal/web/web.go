// Package web is what the page of xrun does in a browser: the script and the few styles that only it needs.
//
// Its source is TypeScript in src, built into dist by `go generate`, which needs node and npm. dist is committed, so
// that `go build` needs neither. CONTRIBUTING.md says how to change it.
package web

import _ "embed"

// Script takes over a page that the server made: pointer, keys, pins, live updates, and the pages that it draws itself from
// the server's numbers. It is one classic script without modules, and runs under a policy without inline script, inline
// style or eval.
//
//go:generate go run ./build
//go:embed dist/app.js
var Script string

// Style styles what the script draws, by the colours and sizes of the style sheet of the page.
//
//go:embed dist/app.css
var Style string
