import { autoUpdate, flip, offset, shift, size, useFloating, type VirtualElement } from '@floating-ui/react';
import { type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { Icon, type IconName } from './icon.tsx';
import { joinClasses } from './join-classes.ts';
import { useKeyName } from './key-name.ts';
import styles from './menu.module.css';

export interface MenuItem {
  readonly id: string;
  readonly label: string;
  readonly detail?: string | undefined;
  readonly icon?: IconName | undefined;
  readonly shortcut?: string | undefined;
  /** Set in a menu that chooses one of several. */
  readonly checked?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  readonly danger?: boolean | undefined;
  /** Draws a line above. */
  readonly separated?: boolean | undefined;
  readonly onSelect: () => void;
}

export interface MenuProps {
  /** The control's name. */
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly children: ReactNode;
  readonly className?: string;
  readonly tip?: string;
  readonly align?: 'left' | 'right';
  readonly disabled?: boolean;
}

/** A button that opens a menu; arrows, Home, End, a first letter, Enter and Esc work in it. */
export function Menu({ label, items, children, className = styles.button, tip, align = 'left', disabled }: MenuProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = (refocus: boolean) => {
    setOpen(false);
    if (refocus) button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        data-tip={open ? undefined : (tip ?? label)}
        disabled={disabled}
        onClick={(event) => {
          event.stopPropagation();
          setOpen(!open);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') {
            event.preventDefault();
            setOpen(true);
          }
        }}
      >
        {children}
      </button>
      {open && button.current !== null && (
        <MenuList id={id} label={label} items={items} anchor={button.current} align={align} onClose={close} />
      )}
    </>
  );
}

interface MenuListProps {
  readonly id?: string;
  readonly label: string;
  readonly items: readonly MenuItem[];
  /** The anchor of the menu: a button, or the point of a right click. */
  readonly anchor: HTMLElement | VirtualElement;
  readonly align?: 'left' | 'right';
  readonly onClose: (refocus: boolean) => void;
}

/** The open menu: it stays inside the window, above its anchor where there is no room below. */
export function MenuList({ id, label, items, anchor, align = 'left', onClose }: MenuListProps) {
  const list = useRef<HTMLDivElement>(null);
  const { refs, floatingStyles, isPositioned } = useFloating({
    strategy: 'fixed',
    placement: align === 'left' ? 'bottom-start' : 'bottom-end',
    middleware: [
      offset(3),
      flip({ padding: 4 }),
      shift({ padding: 4, crossAxis: true }),
      size({
        padding: 4,
        apply: ({ availableHeight, elements }) => {
          elements.floating.style.maxHeight = `${Math.max(80, availableHeight)}px`;
        },
      }),
    ],
    whileElementsMounted: autoUpdate,
  });
  useLayoutEffect(() => refs.setPositionReference(anchor), [anchor, refs]);
  useLayoutEffect(() => {
    if (!isPositioned) return;
    const first =
      list.current?.querySelector<HTMLElement>('[aria-checked="true"]') ??
      list.current?.querySelector<HTMLElement>('button:not(:disabled)');
    first?.focus({ preventScroll: true });
  }, [isPositioned]);
  useEffect(() => {
    const onPointerDown = (event: PointerEvent) => {
      const target = event.target as Node;
      const onAnchor = anchor instanceof Element && anchor.contains(target);
      if (!list.current?.contains(target) && !onAnchor) onClose(false);
    };
    const onBlur = () => onClose(false);
    window.addEventListener('pointerdown', onPointerDown, true);
    window.addEventListener('blur', onBlur);
    return () => {
      window.removeEventListener('pointerdown', onPointerDown, true);
      window.removeEventListener('blur', onBlur);
    };
  }, [anchor, onClose]);

  const move = (event: React.KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll<HTMLButtonElement>('button:not(:disabled)') ?? [])];
    const index = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const go = (to: number) => {
      event.preventDefault();
      buttons[(to + buttons.length) % buttons.length]?.focus();
    };
    if (event.key === 'ArrowDown') go(index + 1);
    else if (event.key === 'ArrowUp') go(index - 1);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(buttons.length - 1);
    else if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      event.stopPropagation();
      onClose(true);
    } else if (event.key.length === 1 && !event.ctrlKey) {
      const after = [...buttons.slice(index + 1), ...buttons.slice(0, index + 1)];
      after.find((entry) => entry.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    }
  };
  const keyName = useKeyName();
  const chooses = items.some((item) => item.checked !== undefined);
  return createPortal(
    <div
      ref={(element) => {
        list.current = element;
        refs.setFloating(element);
      }}
      id={id}
      className={`${styles.list} scroll`}
      style={floatingStyles}
      role="menu"
      aria-label={label}
      onKeyDown={move}
    >
      {items.map((item) => (
        <button
          key={item.id}
          type="button"
          {...(item.checked === undefined
            ? { role: 'menuitem' }
            : { role: 'menuitemradio', 'aria-checked': item.checked })}
          disabled={item.disabled}
          tabIndex={-1}
          className={joinClasses(styles.item, item.danger && 'danger', item.separated && styles.separated)}
          onPointerMove={(event) => event.currentTarget.focus({ preventScroll: true })}
          onClick={() => {
            onClose(true);
            item.onSelect();
          }}
        >
          {chooses && <span className={styles.check}>{item.checked === true && <Icon name="check" size={12} />}</span>}
          {item.icon !== undefined && <Icon name={item.icon} size={14} />}
          <span className={styles.label}>
            <span className="ellipsis">{item.label}</span>
            {item.detail !== undefined && <span className={styles.detail}>{item.detail}</span>}
          </span>
          {keyName(item.shortcut) !== undefined && <kbd>{keyName(item.shortcut)}</kbd>}
        </button>
      ))}
    </div>,
    document.body,
  );
}
