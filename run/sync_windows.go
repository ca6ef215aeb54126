package run

// syncDir does nothing: Windows journals names by itself and has no flush for a directory.
func syncDir(string) error { return nil }
