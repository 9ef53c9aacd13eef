/** Where the first operator token is left for the operator. */
export interface TokenFile {
  readonly path: string
  exists(): Promise<boolean>
  /** Puts the token there as a whole or not at all, for its owner's eyes only. */
  write(token: string): Promise<void>
}
