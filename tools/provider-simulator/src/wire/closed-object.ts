import { type TProperties, Type } from 'typebox'

/** The schema of an object that has these properties and no others. */
export function closedObject<Properties extends TProperties>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false })
}
