// Package document reads TOML into a tree that knows where everything stands.
//
// What is wrong is a [Problem] with its place in the file. A document can be changed: [Document.Set]
// gives a key of the tree another value, [Rewrite] does so in the text. The package does not know what
// the keys mean.
package document
