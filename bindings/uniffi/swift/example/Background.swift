import ChatEngine
import SwiftUI
import UIKit

/// Lets go of the file while the app sleeps.
struct Sleeping: ViewModifier {
    let engine: ChatEngine
    @Environment(\.scenePhase) private var phase

    func body(content: Content) -> some View {
        content.onChange(of: phase) { _, phase in
            Task {
                switch phase {
                case .background:
                    let time = UIApplication.shared.beginBackgroundTask()
                    try? await engine.suspend()
                    UIApplication.shared.endBackgroundTask(time)
                case .active: try await engine.resume()
                default: break
                }
            }
        }
    }
}
