/** `h` narrowed to what a static page needs: an element name, plain attributes, children. Text and attributes are escaped by preact. */
import { type ComponentChildren, h as createElement, type VNode } from 'preact';

export type Attributes = Readonly<Record<string, string | number | boolean | { readonly __html: string } | undefined>>;

export function h(name: string, attributes: Attributes | null, ...children: ComponentChildren[]): VNode {
  return createElement(name, attributes, ...children) as VNode;
}
