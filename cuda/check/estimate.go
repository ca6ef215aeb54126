package main

import "io"

func (o *options) estimate(w io.Writer) error { return nil }
