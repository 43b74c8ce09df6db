def test_the_scene_is_made_once(scene):
    import slicer

    from MultimodalSegLib.slicerside.headless import start_scene

    application = slicer.app
    start_scene()
    assert slicer.mrmlScene is scene and slicer.app is application


def test_vtk_errors_are_collected(scene):
    import vtk

    from MultimodalSegLib.slicerside.headless import vtk_errors

    # Outside the fixture's own collection, which would fail this test.
    window = vtk.vtkOutputWindow.GetInstance()
    quiet = vtk.vtkOutputWindow()
    quiet.SetDisplayModeToNever()
    vtk.vtkOutputWindow.SetInstance(quiet)
    try:
        with vtk_errors() as errors:
            quiet.DisplayErrorText("something is wrong")
    finally:
        vtk.vtkOutputWindow.SetInstance(window)
    assert errors == ["something is wrong"]
