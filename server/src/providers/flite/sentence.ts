/** One sentence for an engine: both parts checked, the text in ASCII. */
export type Sentence = { readonly voice: string; readonly text: string };
