/** A message's headers as Node takes them: names and values in turn. */
export type HeaderFields = (string | string[])[]

/** Takes every field called `name`, which is in lower case, out of `fields`. A value is never taken for a name. */
export function removeField(fields: HeaderFields, name: string): void {
  for (let at = fields.length - 2; at >= 0; at -= 2) {
    if (String(fields[at]).toLowerCase() === name) fields.splice(at, 2)
  }
}
