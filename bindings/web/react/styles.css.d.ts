// So that importing it is no error where nothing else says what a style sheet is.
export {};
