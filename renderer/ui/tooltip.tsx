import { flip, offset, shift, useFloating } from '@floating-ui/react';
import { useEffect, useState } from 'react';
import { useKeyName } from './key-name.ts';
import styles from './tooltip.module.css';

interface Tip {
  readonly text: string;
  readonly shortcut: string | undefined;
  readonly target: HTMLElement;
}

/** Long enough that passing over a row of buttons shows nothing. */
const delayMs = 350;

/** Shows the tip (`data-tip`, `data-shortcut`) of the element under the pointer or with the keyboard's focus. */
export function TooltipLayer() {
  const [tip, setTip] = useState<Tip | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let tabbed = false;
    const hide = () => {
      clearTimeout(timer);
      setTip(null);
    };
    const show = (event: Event) => {
      const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-tip]') : null;
      hide();
      if (target === null || (event.type === 'focusin' && !tabbed)) return;
      timer = setTimeout(() => {
        const text = target.dataset.tip;
        if (text === undefined || text === '' || !target.isConnected) return;
        setTip({ text, shortcut: target.dataset.shortcut, target });
      }, delayMs);
    };
    const onKeyDown = (event: Event) => {
      tabbed = event instanceof KeyboardEvent && event.key === 'Tab';
      hide();
    };
    const events = {
      pointerover: show,
      focusin: show,
      pointerdown: hide,
      keydown: onKeyDown,
      pointerleave: hide,
      blur: hide,
    };
    for (const [name, listener] of Object.entries(events)) window.addEventListener(name, listener, { passive: true });
    return () => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(events)) window.removeEventListener(name, listener);
    };
  }, []);
  return tip === null ? null : <Tooltip {...tip} />;
}

function Tooltip({ text, shortcut, target }: Tip) {
  const key = useKeyName()(shortcut);
  const { refs, floatingStyles } = useFloating({
    strategy: 'fixed',
    placement: 'bottom',
    elements: { reference: target },
    middleware: [offset(6), flip({ padding: 4 }), shift({ padding: 4 })],
  });
  return (
    <div ref={refs.setFloating} className={styles.tooltip} role="tooltip" style={floatingStyles}>
      {text}
      {key !== undefined && <kbd>{key}</kbd>}
    </div>
  );
}
